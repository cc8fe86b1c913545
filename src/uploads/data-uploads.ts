import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileTypeFromBuffer } from 'file-type';
import { type ArtifactStore, StorageError } from '../artifacts/artifact-store.ts';
import { uploadKey } from '../artifacts/keys.ts';
import { unavailable } from '../core/errors.ts';
import type { UploadRequest, UploadStore, Uploads } from './upload.ts';

export interface DataUploadsOptions {
  uploads: Uploads;
  store: Pick<UploadStore, 'get'>;
  artifacts: Pick<ArtifactStore, 'head' | 'put'>;
}

/** Stores bytes for a caller that has no way to send a file to an address. */
export interface DataUploads {
  /**
   * The id of an upload of the caller's with these bytes: the same for the same bytes, so that a call that is repeated
   * is the same. Rejects as `create` of uploads does, of a type by the bytes.
   */
  put(request: DataUploadRequest): Promise<string>;
}

export interface DataUploadRequest extends Omit<UploadRequest, 'id' | 'filename' | 'contentType' | 'sizeBytes'> {
  bytes: Uint8Array;
}

const STORE_TIMEOUT_MS = 30_000;

export function createDataUploads({ uploads, store, artifacts }: DataUploadsOptions): DataUploads {
  async function isThere(id: string, caller: string, sizeBytes: number, signal: AbortSignal): Promise<boolean> {
    const known = await store.get(id);
    return known?.caller === caller && (await artifacts.head(uploadKey(id), { signal }))?.sizeBytes === sizeBytes;
  }

  return {
    async put({ bytes, ...request }) {
      const { caller } = request.identity;
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      const id = uuidOf(createHash('sha256').update(`${caller} ${sha256}`).digest('hex'));
      const sizeBytes = bytes.byteLength;
      const signal = AbortSignal.timeout(STORE_TIMEOUT_MS);
      const folder = await mkdtemp(join(tmpdir(), 'comfygate-data-'));
      try {
        if (await isThere(id, caller, sizeBytes, signal)) return id;
        const type = await fileTypeFromBuffer(bytes);
        const contentType = type?.mime ?? 'application/octet-stream';
        const filename = `data.${type?.ext ?? 'bin'}`;
        await uploads.create({ ...request, id, filename, contentType, sizeBytes });
        const path = join(folder, 'data');
        await writeFile(path, bytes);
        await artifacts.put(uploadKey(id), { path, sha256, sizeBytes, contentType, filename }, { signal });
        return id;
      } catch (error) {
        if (!(error instanceof StorageError) && !signal.aborted) throw error;
        throw unavailable('the artifact storage cannot be reached', 10, error);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
  };
}

/** A UUID of version 8, which is for whatever its maker means by it (RFC 9562). */
function uuidOf(hex: string): string {
  const parts = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ];
  return parts.join('-');
}
