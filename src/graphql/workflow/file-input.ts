import type { InputType } from '@pothos/core';
import type { FileKind } from '../../core/file-source.ts';
import type { Builder, SchemaTypes } from '../builder.ts';

export type FileKindType = ReturnType<typeof addFileKind>;

const fileKinds = {
  IMAGE: { value: 'image', description: 'A picture.' },
  MASK: { value: 'mask', description: 'A picture that says where: its alpha, or how light it is.' },
  AUDIO: { value: 'audio', description: 'Sound.' },
  VIDEO: { value: 'video', description: 'A film.' },
} as const satisfies { [name: string]: { value: FileKind; description: string } };

export function addFileKind(builder: Builder) {
  return builder.enumType('FileKind', {
    description: 'What an input file must be, by its bytes.',
    values: fileKinds,
  });
}

/** FileInput: an input file, uploaded before, fetched by the worker, or made by another job. */
export function addFileInput(builder: Builder): InputType<SchemaTypes> {
  const ref = builder.inputRef<{ upload?: string; url?: string; artifact?: string }>('FileInput');
  builder.inputType(ref, {
    isOneOf: true,
    description:
      'An input file: one that was uploaded, a public address that the worker fetches (https, no private network), ' +
      'or a result of a job of your own.',
    fields: (t) => ({
      upload: t.id({ description: 'Id of an upload whose file has been put to its address.' }),
      artifact: t.id({
        description:
          'Id of an artifact of a job of your own, which must be there until this job has begun: it goes with its job.',
      }),
      url: t.string({ description: 'An https address of at most 2048 characters, without user name and password.' }),
    }),
  });
  return ref;
}
