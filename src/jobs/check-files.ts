import { type ArtifactStore, StorageError } from '../artifacts/artifact-store.ts';
import { uploadKey } from '../artifacts/keys.ts';
import type { InputIssue } from '../core/errors.ts';
import type { FileKind } from '../core/file-source.ts';
import type { FilePlace } from '../core/plan.ts';
import { inputUrlFault } from '../uploads/input-url.ts';
import type { Upload, UploadStore } from '../uploads/upload.ts';
import type { JobCheck } from './accept-job.ts';

export interface FileCheckOptions {
  uploads: Pick<UploadStore, 'get' | 'keep'>;
  artifacts: Pick<ArtifactStore, 'head'>;
  /** Origins that the rules for addresses do not apply to. */
  inputOrigins: readonly string[];
  /** How long an ended job is kept. */
  retentionMs: number;
}

/** A storage that is slower than this is taken to be away. */
const HEAD_TIMEOUT_MS = 1_500;

type Fault = Pick<InputIssue, 'message' | 'code'>;

const NOT_FOUND: Fault = { message: 'expected the id of an upload that is there', code: 'not_found' };

/**
 * Compares the files of a job with what was uploaded, and with the rules for addresses. Uploads that fit are kept for
 * as long as the job is, so that whoever runs it, or runs it again, finds them.
 */
export function createFileCheck({ uploads, artifacts, inputOrigins, retentionMs }: FileCheckOptions): JobCheck {
  async function uploadFault(id: string, kind: FileKind | null, caller: string, lifeMs: number): Promise<Fault | null> {
    const upload = await uploads.get(id);
    if (upload?.caller !== caller) return NOT_FOUND;
    if (!fitsKind(upload.contentType, kind)) {
      return { message: `expected a file of kind ${kind}, got ${upload.contentType}`, code: 'wrong_type' };
    }
    return (await bytesFault(upload)) ?? ((await uploads.keep(id, lifeMs)) ? null : NOT_FOUND);
  }

  /** With storage away the worker finds out. */
  async function bytesFault({ id, sizeBytes }: Upload): Promise<Fault | null> {
    const signal = AbortSignal.timeout(HEAD_TIMEOUT_MS);
    try {
      const stored = await artifacts.head(uploadKey(id), { signal });
      if (stored?.sizeBytes === sizeBytes) return null;
      return { message: 'expected an upload whose file has been put to its address', code: 'not_uploaded' };
    } catch (error) {
      if (error instanceof StorageError || signal.aborted) return null;
      throw error;
    }
  }

  return async ({ caller, deadlineMs }, { files }, path) => {
    const found = await Promise.all(
      files.map(async ({ source, kind, at }: FilePlace): Promise<InputIssue[]> => {
        if ('upload' in source) {
          const fault = await uploadFault(source.upload, kind, caller, deadlineMs + retentionMs);
          return fault ? [{ ...fault, path: [...path, ...at, 'upload'] }] : [];
        }
        const message = inputUrlFault(source.url, inputOrigins);
        return message === null ? [] : [{ message, code: 'invalid_url', path: [...path, ...at, 'url'] }];
      }),
    );
    return found.flat();
  };
}

/** By what its caller said of it; the bytes are looked at by the worker. Boxes for video may hold nothing but sound. */
function fitsKind(contentType: string, kind: FileKind | null): boolean {
  const family = contentType.split('/', 1)[0];
  if (kind === null) return true;
  if (kind === 'image' || kind === 'mask') return family === 'image';
  return family === kind || (kind === 'audio' && family === 'video');
}
