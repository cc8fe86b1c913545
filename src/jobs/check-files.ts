import { type ArtifactStore, StorageError } from '../artifacts/artifact-store.ts';
import { uploadKey } from '../artifacts/keys.ts';
import type { InputIssue } from '../core/errors.ts';
import type { FileKind } from '../core/file-source.ts';
import type { FilePlace } from '../core/plan.ts';
import type { GatewayJobStore } from '../job-record/job-store.ts';
import { inputUrlFault } from '../uploads/input-url.ts';
import type { Upload, UploadStore } from '../uploads/upload.ts';
import type { JobCheck } from './accept-job.ts';

export interface FileCheckOptions {
  uploads: Pick<UploadStore, 'get' | 'keep'>;
  artifacts: Pick<ArtifactStore, 'head'>;
  /** The jobs whose results may be input files. */
  store: Pick<GatewayJobStore, 'ownArtifact'>;
  /** The largest input file. */
  maxBytes: number;
  /** Origins that the rules for addresses do not apply to. */
  inputOrigins: readonly string[];
  /** How long an ended job is kept. */
  retentionMs: number;
}

/** A storage that is slower than this is taken to be away. */
const HEAD_TIMEOUT_MS = 1_500;

type Fault = Pick<InputIssue, 'message' | 'code'>;

const NOT_FOUND: Fault = { message: 'expected the id of an upload that is there', code: 'not_found' };
/** Another caller's is as if absent. */
const NO_ARTIFACT: Fault = { message: 'expected the id of an artifact of a job of yours', code: 'not_found' };

/**
 * Compares the files of a job with what was uploaded, with what other jobs have made, and with the rules for addresses.
 * Uploads that fit are kept for as long as the job is, so that whoever runs it, or runs it again, finds them; artifacts
 * go with their own job.
 */
export function createFileCheck(options: FileCheckOptions): JobCheck {
  const { uploads, artifacts, store, inputOrigins, retentionMs, maxBytes } = options;

  async function uploadFault(id: string, kind: FileKind | null, caller: string, lifeMs: number): Promise<Fault | null> {
    const upload = await uploads.get(id);
    if (upload?.caller !== caller) return NOT_FOUND;
    const fault = kindFault(upload.contentType, kind) ?? (await bytesFault(upload));
    return fault ?? ((await uploads.keep(id, lifeMs)) ? null : NOT_FOUND);
  }

  async function artifactFault(id: string, kind: FileKind | null, caller: string): Promise<Fault | null> {
    const found = await store.ownArtifact({ caller, watch: null }, id);
    if (!found) return NO_ARTIFACT;
    const { contentType, sizeBytes } = found;
    if (sizeBytes > maxBytes) {
      return { message: `expected an artifact of at most ${maxBytes} bytes, got ${sizeBytes}`, code: 'too_big' };
    }
    return kindFault(contentType, kind);
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
        if ('artifact' in source) {
          const fault = await artifactFault(source.artifact, kind, caller);
          return fault ? [{ ...fault, path: [...path, ...at, 'artifact'] }] : [];
        }
        const message = inputUrlFault(source.url, inputOrigins);
        return message === null ? [] : [{ message, code: 'invalid_url', path: [...path, ...at, 'url'] }];
      }),
    );
    return found.flat();
  };
}

/**
 * By what is said of it; the bytes are looked at by the worker. Boxes for video may hold nothing but sound. Null where
 * it fits. `kind` null: a picture, a sound or a film, whichever.
 */
function kindFault(contentType: string, kind: FileKind | null): Fault | null {
  const family = contentType.split('/', 1)[0] ?? '';
  if ((kind === null ? ANY : FAMILIES[kind]).includes(family)) return null;
  return { message: `expected a file of kind ${kind ?? ANY.join(', ')}, got ${contentType}`, code: 'wrong_type' };
}

const ANY = ['image', 'audio', 'video'];
const FAMILIES: Record<FileKind, string[]> = {
  image: ['image'],
  mask: ['image'],
  audio: ['audio', 'video'],
  video: ['video'],
};
