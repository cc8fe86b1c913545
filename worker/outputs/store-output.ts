import { hash } from 'node:crypto';
import { extname } from 'node:path';
import { Readable } from 'node:stream';
import { type ArtifactStore, StorageError } from '../../src/artifacts/artifact-store.ts';
import { safeFilename } from '../../src/artifacts/filename.ts';
import { artifactKey } from '../../src/artifacts/keys.ts';
import { wait } from '../../src/async/wait.ts';
import { artifactId } from '../../src/core/artifact-id.ts';
import type { Artifact, Job } from '../../src/core/job.ts';
import { own } from '../../src/core/objects.ts';
import type { Plan } from '../../src/core/plan.ts';
import {
  type Inspection,
  inspectBytes,
  inspectFile,
  isPictureName,
  OutputInvalidError,
} from '../../src/files/inspect.ts';
import type { MediaReader } from '../../src/files/media-facts.ts';
import { stripPngMetadata, withoutPngMetadata } from '../../src/files/png-metadata.ts';
import { collect, SpoolError, type SpooledFile, spool } from '../../src/files/spool.ts';
import { inSpan } from '../../src/observability/spans.ts';
import type { Attempt } from '../attempt/attempt.ts';
import { JobFailure, outputError, Retry, storageError, workerFault } from '../attempt/failures.ts';
import type { ComfyClient, FileReference } from '../comfyui/client.ts';
import { asComfyError, ComfyError } from '../comfyui/http.ts';
import type { PromptOutput } from '../comfyui/outputs.ts';
import { promptIdOf, withoutOwnPrefix } from '../comfyui/prompt.ts';
import type { Timings } from '../timings.ts';

export interface StoreParts {
  artifacts: ArtifactStore;
  readMedia: MediaReader;
  tempDir: string;
  timings: Timings;
}

/** What results of one moment have in common. */
export interface StoreContext extends StoreParts {
  attempt: Attempt;
  /** What its outputs are called, and whether PNG files keep their metadata. */
  plan: Plan;
  client: ComfyClient;
  signal: AbortSignal;
  /** Tried once alone, and what went wrong is thrown as it is: there will be another time. */
  once: boolean;
  /**
   * Resolves when the lease has been confirmed: nothing may be stored before, since a worker that was stopped for a
   * while may go on here after its job was taken over. That takes no longer than the first download.
   */
  confirmed: Promise<void>;
}

const FETCH_TRIES = 3;
const FETCH_BACKOFF_MS = 100;
const PUT_BACKOFF_MS = { first: 200, most: 2_000 };
/** Of a storage that refuses this worker: it may accept another. */
const REFUSED_TRIES = 3;
/** What S3 takes in one PUT. */
const MOST_BYTES = 5 * 1024 ** 3;
const EMPTY_TEXT: Inspection = { kind: 'text', contentType: 'text/plain' };
/** ComfyUI announces the length of each file. A proxy that packs what it passes on does not: text, not films. */
const MOST_UNANNOUNCED_BYTES = 256 * 1024 ** 2;
/** A picture up to this size needs no file on its way into storage. An attempt holds three at a time. */
const MOST_HELD_BYTES = 4 * 1024 ** 2;

/** A result in memory. */
interface HeldFile {
  bytes: Buffer;
  sizeBytes: number;
  sha256: string;
}

/**
 * Brings a result into storage and checks that it is whole; `number` is its own among those of the attempt. Throws
 * JobFailure when it is not what it should be or storage does not take it, Retry when the server is gone, and the
 * reason of the signal.
 */
export async function storeOutput(output: PromptOutput, number: number, context: StoreContext): Promise<Artifact> {
  return await inSpan('store output', {}, async (span) => {
    const artifact = await store(output, number, context);
    span.set({ 'comfygate.artifact.kind': artifact.kind, 'comfygate.artifact.size': artifact.sizeBytes });
    return artifact;
  });
}

async function store(output: PromptOutput, number: number, context: StoreContext): Promise<Artifact> {
  const { attempt, plan, confirmed } = context;
  const { job } = attempt;
  const name = nameOf(output, number);
  const { file, found } = await fetchOutput(output, name, context);
  try {
    await confirmed;
    const filename = safeFilename(`${workflowOf(job)}-${job.id.slice(-8)}-${name}`);
    const key = artifactKey(job.id, job.lease, number, extname(name).slice(1));
    const { contentType, kind, width = null, height = null, durationSeconds = null } = found;
    const { sizeBytes, sha256 } = file;
    const content = 'bytes' in file ? { bytes: file.bytes } : { path: file.path };
    await put(key, { ...content, sizeBytes, sha256, contentType, filename }, context);
    return {
      id: artifactId(job.id, job.lease, number),
      key,
      kind,
      filename,
      contentType,
      sizeBytes,
      sha256,
      node: output.node,
      output: plan.outputs?.get(output.node) ?? null,
      width,
      height,
      durationSeconds,
    };
  } finally {
    if ('path' in file) await file.dispose();
  }
}

/** Of a graph of the caller's own, what the caller calls it: `textToImage` becomes `text-to-image`. */
function workflowOf({ workflow, parameters }: Job): string {
  const given = workflow === 'custom' ? parameters.name : null;
  return (typeof given === 'string' ? given : workflow).replace(/([a-z0-9])([A-Z])/g, '$1-$2').toLowerCase();
}

/** ComfyUI's name without what the worker put before it; for results without one, one of the node and the number. */
function nameOf(output: PromptOutput, number: number): string {
  if ('file' in output) return safeFilename(withoutOwnPrefix(output.file.filename));
  const ending = 'text' in output ? `text_${number + 1}.txt` : `${number + 1}.${output.extension}`;
  return safeFilename(`${output.node}_${ending}`);
}

/**
 * The result as a local file or in memory, checked to be whole and of the type that its name says. A broken transfer is
 * tried again.
 */
async function fetchOutput(output: PromptOutput, name: string, context: StoreContext) {
  const { readMedia, timings, signal } = context;
  const began = performance.now();
  for (let tries = 1; ; tries++) {
    try {
      const file = await localFile(output, name, context);
      // A file without a byte was not written whole, but a text may be empty.
      if ('text' in output && file.sizeBytes === 0) return { file, found: EMPTY_TEXT };
      return await inspected(file, name, (path) => readMedia(path, signal));
    } catch (cause) {
      signal.throwIfAborted();
      if (context.once || workerFault(cause) !== null) throw cause;
      const away = cause instanceof ComfyError && (cause.failure === 'unreachable' || cause.failure === 'timeout');
      if (away && performance.now() - began >= timings.lost) {
        throw new Retry('server lost before its results were fetched', { counts: true, cause });
      }
      if (isMissing(cause) && (await isForgotten(context))) {
        throw new Retry('server restarted before its results were fetched', { counts: true, cause });
      }
      // What came over the socket cannot be fetched again.
      if (isEndless(cause)) context.attempt.state.slot.report('failed');
      const final = 'image' in output || tries >= FETCH_TRIES || !isTransient(cause);
      if (!away && final) throw invalid({ node: output.node, filename: name }, context, cause);
      await wait(FETCH_BACKOFF_MS * 2 ** Math.min(tries, 5), signal);
    }
  }
}

async function localFile(output: PromptOutput, name: string, context: StoreContext) {
  if ('image' in output) return output.image;
  if ('file' in output) return await download(output.file, name, context);
  return await spool(Readable.from([Buffer.from(output.text)]), context.tempDir, { signal: context.signal });
}

async function download(
  file: FileReference,
  name: string,
  { client, plan, tempDir, signal }: StoreContext,
): Promise<SpooledFile | HeldFile> {
  const { body, sizeBytes } = await client.view(file, signal);
  // Spooling rejects with the body's error. Where spooling has not begun, nobody else would listen for it.
  body.on('error', () => undefined);
  try {
    if (sizeBytes !== null && sizeBytes > MOST_BYTES) throw new SpoolError('oversize', `${sizeBytes} bytes announced`);
    if (sizeBytes !== null && sizeBytes <= MOST_HELD_BYTES && isPictureName(name)) {
      return heldFile(await collect(body, sizeBytes), plan);
    }
    const transform = plan.keepMetadata ? undefined : withoutPngMetadata();
    const maxBytes = sizeBytes === null ? MOST_UNANNOUNCED_BYTES : undefined;
    return await spool(body, tempDir, { signal, expectedLength: sizeBytes ?? undefined, maxBytes, transform });
  } catch (cause) {
    body.destroy();
    throw cause instanceof SpoolError ? cause : asComfyError(cause, false);
  }
}

function heldFile(received: Buffer, { keepMetadata }: Plan): HeldFile {
  const bytes = keepMetadata ? received : stripPngMetadata(received);
  return { bytes, sizeBytes: bytes.length, sha256: hash('sha256', bytes) };
}

async function inspected(file: SpooledFile | HeldFile, filename: string, readMedia: Parameters<typeof inspectFile>[2]) {
  // What its name says to be a picture is refused where it is video or audio, so nothing more is to be read of it.
  if ('bytes' in file) return { file, found: await inspectBytes(file.bytes, filename) };
  try {
    return { file, found: await inspectFile(file.path, filename, readMedia) };
  } catch (cause) {
    await file.dispose();
    throw cause;
  }
}

function isTransient(cause: unknown): boolean {
  if (cause instanceof ComfyError) return cause.failure !== 'status' || (cause.status ?? 0) >= 500;
  if (cause instanceof SpoolError) return !isEndless(cause);
  return cause instanceof OutputInvalidError && cause.isCutOff;
}

/** It is larger than any result may be, or than its server announced. */
function isEndless(cause: unknown): boolean {
  return cause instanceof SpoolError && cause.reason === 'oversize';
}

function isMissing(cause: unknown): boolean {
  return cause instanceof ComfyError && cause.status === 404;
}

/**
 * Whether the server no longer knows the prompt: it has restarted, which empties its temporary folder, or has another
 * disk.
 */
async function isForgotten({ attempt, client, signal }: StoreContext): Promise<boolean> {
  const { job, submission } = attempt;
  if (!submission) return false;
  const { state } = await client.find(promptIdOf(job.id, submission.number), { signal });
  return state === 'absent';
}

function invalid({ node, filename }: { node: string; filename: string }, { plan }: StoreContext, cause: unknown) {
  const known = cause instanceof ComfyError || cause instanceof SpoolError || cause instanceof OutputInvalidError;
  if (!known) return cause;
  const output = { node, classType: own(plan.graph, node)?.class_type ?? null, filename };
  const isOtherThanSaid = cause instanceof OutputInvalidError && !cause.isCutOff;
  const fault = isMissing(cause)
    ? 'is not there, though ComfyUI names it'
    : isOtherThanSaid
      ? 'is not what its name says'
      : 'could not be read whole';
  return new JobFailure(outputError(output, fault, !isOtherThanSaid), { cause });
}

type PutArguments = Parameters<ArtifactStore['put']>;

/**
 * Storage may be away or full for a while. The GPU's work is done, so the result is offered again, and the prompt not
 * run again.
 */
async function put(key: string, file: PutArguments[1], context: StoreContext): Promise<void> {
  const { artifacts, attempt, timings, signal } = context;
  const until = performance.now() + timings.storage;
  for (let tries = 0; ; tries++) {
    try {
      return await artifacts.put(key, file, { signal });
    } catch (cause) {
      signal.throwIfAborted();
      if (context.once || !(cause instanceof StorageError)) throw cause;
      if (cause.reason === 'denied' && tries + 1 >= REFUSED_TRIES) throw cause;
      if (!cause.retryable || performance.now() >= until) throw new JobFailure(storageError(cause), { cause });
      if (tries === 0) attempt.log.warn({ reason: cause.reason }, 'result not stored yet');
      await wait(Math.min(PUT_BACKOFF_MS.most, PUT_BACKOFF_MS.first * 2 ** tries), signal);
    }
  }
}
