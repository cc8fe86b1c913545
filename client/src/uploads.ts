import type { Connection } from './connection.ts';
import { CREATE_UPLOAD } from './documents.ts';
import { ComfyError } from './errors.ts';
import { blobOf, type LocalFile, mediaTypeOf } from './files.ts';
import type { UploadOptions } from './options.ts';
import type { SendDocument } from './query.ts';

interface Upload {
  id: string;
  method: string;
  url: string;
  headers: Record<string, string>;
}

/** By an attempt whose answer was lost: nobody else knows the address. 412 says an S3 server, 409 the gateway. */
const IS_THERE = [409, 412];

export function createUploads(query: SendDocument, { sendFile }: Pick<Connection, 'sendFile'>) {
  return async (file: LocalFile, { filename, signal }: UploadOptions = {}): Promise<{ upload: string }> => {
    const body = await blobOf(file);
    const name = filename ?? (('name' in body && String(body.name)) || 'file');
    const input = { filename: name, contentType: await mediaTypeOf(body), size: body.size };
    const { createUpload } = await query<{ createUpload: Upload }>(CREATE_UPLOAD, { input }, { signal });
    const { id, url, method, headers } = createUpload;
    const { ok, status } = await sendFile(url, { method, headers, body, signal: signal ?? null });
    if (ok || IS_THERE.includes(status)) return { upload: id };
    throw new ComfyError(`expected ${name} to be taken at ${new URL(url).origin}, got status ${status}`, {
      code: 'UPLOAD_REFUSED',
    });
  };
}
