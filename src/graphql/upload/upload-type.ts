import type { Builder } from '../builder.ts';

export function addUpload(builder: Builder): void {
  builder.objectType('Upload', {
    description: 'Where and how to send a file.',
    fields: (t) => ({
      id: t.exposeID('id', { nullable: false, description: 'What a FileInput names.' }),
      method: t.exposeString('method', { nullable: false, description: 'PUT.' }),
      url: t.exposeString('url', {
        nullable: false,
        description:
          'A signed address that needs no other credential, and takes a file of just the size and type announced.',
      }),
      headers: t.expose('headers', {
        type: 'JSON',
        nullable: false,
        description: 'To be sent with the file, by their names; Content-Length is added by every client.',
      }),
      expiresAt: t.expose('expiresAt', {
        type: 'DateTime',
        nullable: false,
        description: 'Until then the file can be sent, and named in a job; files that no job names are removed.',
      }),
    }),
  });
}

export function addUploadMutations(builder: Builder): void {
  const input = builder.inputType('CreateUploadInput', {
    description: 'A file that is to be sent.',
    fields: (t) => ({
      filename: t.string({ required: true, description: 'At most 255 characters; only shown.' }),
      contentType: t.string({
        required: true,
        description:
          'A type of audio or video, or of a picture that ComfyUI reads, such as image/png; not SVG, not HEIC.',
      }),
      size: t.field({
        type: 'SafeInt',
        required: true,
        description: 'Bytes; at most as many as MAX_UPLOAD_BYTES says.',
      }),
    }),
  });

  builder.mutationField('createUpload', (t) =>
    t.field({
      type: 'Upload',
      nullable: true,
      description: 'A signed address to put an input file to.',
      args: { input: t.arg({ type: input, required: true, description: 'What is to be sent.' }) },
      resolve: (_root, { input: { filename, contentType, size } }, { services, ...by }) => {
        const { identity, caller, requestId, address, client } = by;
        return services.uploads.create({
          ...{ identity, caller, requestId, address, client },
          ...{ filename, contentType, sizeBytes: size },
        });
      },
    }),
  );
}
