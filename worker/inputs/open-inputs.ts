import { type ArtifactStore, StorageError } from '../../src/artifacts/artifact-store.ts';
import { uploadKey } from '../../src/artifacts/keys.ts';
import { createSemaphore } from '../../src/async/semaphore.ts';
import { wait } from '../../src/async/wait.ts';
import type { FileSource } from '../../src/core/file-source.ts';
import type { Graph } from '../../src/core/graph.ts';
import { own } from '../../src/core/objects.ts';
import { type FilePlace, type Plan, putFile } from '../../src/core/plan.ts';
import { SpoolError, type SpooledFile, type SpoolOptions, spool } from '../../src/files/spool.ts';
import type { AttemptParts } from '../attempt/attempt.ts';
import { JobFailure, jobError, Retry } from '../attempt/failures.ts';
import { ComfyError } from '../comfyui/http.ts';
import type { Backend } from '../pool/backend.ts';
import type { Timings } from '../timings.ts';
import { fetchUrl } from './fetch-url.ts';
import { InputFault } from './input-fault.ts';
import { checkKind, type InspectedInput, inspectInput } from './inspect-input.ts';
import type { PlacedFiles } from './placed-files.ts';

/**
 * The input files of a job on the local disk: each is fetched once, whatever servers it is brought to. Disposing it
 * removes them.
 */
export interface Inputs extends AsyncDisposable {
  /**
   * Fetches all of them. Throws JobFailure INPUT_INVALID, Retry while storage is away or there is no room for them, or
   * the signal's reason.
   */
  fetch(signal: AbortSignal): Promise<void>;
  /**
   * The plan's graph with its files brought to this server and put in; what is not here yet is fetched. Throws as
   * `fetch` does, and ComfyError.
   */
  place(backend: Backend, signal: AbortSignal): Promise<Graph>;
  /** Whether a graph was refused for a file that the server should have: it is sent again, once. */
  wasMissing(backend: Backend, refusal: unknown): boolean;
}

/** Counts the bytes of one job's input files that are on the disk. */
export interface InputShare {
  /** Throws InputFault when the job has more than any may, Retry when others have to be done first. */
  add(bytes: number): void;
  remove(bytes: number): void;
}

export interface InputParts {
  artifacts: ArtifactStore;
  store: AttemptParts['store'];
  placedFiles: PlacedFiles;
  /** Bytes of one input file, and origins that the rules for addresses do not apply to. */
  inputs: { maxBytes: number; origins: readonly string[] };
  tempDir: string;
  timings: Timings;
}

interface LocalInput extends InspectedInput {
  file: SpooledFile;
}

/** Of one job. */
const AT_ONCE = 4;
/** What is fetched stops earlier than results do (`spool`): jobs that are done have to be stored. */
const RESERVE_BYTES = 128 * 1024 * 1024;
const TRIES = 3;
const BACKOFF_MS = 300;
/** Beside the files of others, in the folder of ComfyUI that its loaders read from. */
const SUBFOLDER = 'comfygate';

export function openInputs({ graph, files }: Plan, share: InputShare, parts: InputParts): Inputs {
  const { placedFiles, tempDir, timings, inputs: limits, artifacts, store } = parts;
  const over = new AbortController();
  const turns = createSemaphore({ atOnce: AT_ONCE, waiting: files.length });
  const local = new Map<string, Promise<LocalInput>>();
  /** The names that servers gave to files, and the hashes of those. */
  const hashes = new Map<string, string>();
  const sentAgain = new Set<Backend>();

  /** Network trouble is given a few tries, which together take no longer than one may. */
  async function fetched(source: FileSource, signal: AbortSignal): Promise<SpooledFile> {
    const late = AbortSignal.timeout(timings.fetch);
    const limited = AbortSignal.any([signal, late]);
    for (let tries = 1; ; tries++) {
      let bytes = 0;
      const count = (more: number) => {
        share.add(more);
        bytes += more;
      };
      try {
        const { maxBytes } = limits;
        const options = { maxBytes, reserveBytes: RESERVE_BYTES, count, signal: limited };
        const file = await ('url' in source
          ? fetchUrl(source.url, { ...options, dir: tempDir, origins: limits.origins })
          : 'upload' in source
            ? stored(uploadKey(source.upload), 'An uploaded file is no longer there', options)
            : made(source.artifact, options));
        const dispose = async () => {
          await file.dispose();
          share.remove(bytes);
          bytes = 0;
        };
        return { ...file, dispose };
      } catch (cause) {
        share.remove(bytes);
        signal.throwIfAborted();
        if (late.aborted) throw new InputFault('An input file took too long to fetch', { transient: true, cause });
        if (!(cause instanceof InputFault && cause.transient) || tries >= TRIES) throw cause;
        await wait(BACKOFF_MS * 2 ** tries, signal);
      }
    }
  }

  /** Whose it is was checked when the job was accepted. */
  async function made(id: string, options: SpoolOptions): Promise<SpooledFile> {
    const gone = 'An artifact that is an input file is no longer there';
    const found = await store.artifact(id);
    if (found === null) throw new InputFault(gone);
    return stored(found.key, gone, options);
  }

  async function stored(key: string, gone: string, options: SpoolOptions): Promise<SpooledFile> {
    const body = await artifacts.read(key, { signal: options.signal });
    if (body === null) throw new InputFault(gone);
    try {
      return await spool(body, tempDir, options);
    } catch (cause) {
      body.destroy();
      throw cause;
    }
  }

  async function bring(source: FileSource, signal: AbortSignal): Promise<LocalInput> {
    const file = await fetched(source, signal);
    try {
      return { file, ...(await inspectInput(file.path)) };
    } catch (cause) {
      await file.dispose();
      throw cause;
    }
  }

  function localOf(source: FileSource, signal: AbortSignal): Promise<LocalInput> {
    const key = JSON.stringify(source);
    const within = AbortSignal.any([signal, over.signal]);
    const found = local.get(key) ?? turns.run(() => bring(source, within), within);
    local.set(key, found);
    return found;
  }

  /** The file of a place, of the kind that it takes. */
  async function localAt(place: FilePlace, signal: AbortSignal): Promise<LocalInput> {
    const input = await localOf(place.source, signal);
    checkKind(input, place.kind);
    return input;
  }

  async function nameAt(backend: Backend, place: FilePlace, signal: AbortSignal): Promise<string> {
    const { file, extension } = await localAt(place, signal);
    const { sha256, path } = file;
    const name = await placedFiles.ensure(backend, sha256, signal, () =>
      backend.client.upload({ path, name: `${sha256}.${extension}`, subfolder: SUBFOLDER }, signal),
    );
    hashes.set(name, sha256);
    return name;
  }

  /** The same for each place; what went wrong at one is told by what it means for the job. */
  function atEach<T>(signal: AbortSignal, work: (place: FilePlace) => Promise<T>): Promise<T[]> {
    return Promise.all(
      files.map(async (place) => {
        try {
          return await work(place);
        } catch (cause) {
          signal.throwIfAborted();
          throw failure(cause, place, graph, timings);
        }
      }),
    );
  }

  return {
    async fetch(signal) {
      await atEach(signal, (place) => localAt(place, signal));
    },

    async place(backend, signal) {
      if (files.length === 0) return graph;
      const names = await atEach(signal, (place) => nameAt(backend, place, signal));
      const own = structuredClone(graph);
      for (const [i, place] of files.entries()) putFile(own, place, names[i] ?? '');
      return own;
    },

    wasMissing(backend, refusal) {
      if (!(refusal instanceof JobFailure && refusal.error.code === 'WORKFLOW_REJECTED')) return false;
      const { message } = refusal.error;
      const missing = [...hashes].filter(([name]) => message.includes(name));
      if (missing.length === 0 || sentAgain.has(backend)) return false;
      sentAgain.add(backend);
      for (const [, sha256] of missing) placedFiles.forget(backend, sha256);
      return true;
    },

    async [Symbol.asyncDispose]() {
      over.abort(new Error('the files are no longer wanted'));
      const brought = await Promise.allSettled(local.values());
      await Promise.all(brought.map((each) => each.status === 'fulfilled' && each.value.file.dispose()));
    },
  };
}

/** What a file that could not be placed means for the job, by the parameter that it was given for. */
function failure(cause: unknown, { targets, at }: FilePlace, graph: Graph, { storageBack: delayMs }: Timings): unknown {
  const nodeId = targets[0]?.node ?? null;
  const classType = (nodeId === null ? undefined : own(graph, nodeId)?.class_type) || null;
  const invalid = (message: string, retryable: boolean) =>
    new JobFailure(jobError('INPUT_INVALID', `${at.join('.')}: ${message}`, { nodeId, classType, retryable }), {
      cause,
    });
  if (cause instanceof InputFault) return invalid(cause.message, cause.transient);
  if (cause instanceof StorageError) {
    return new Retry('storage did not give an input file', { counts: false, delayMs, cause });
  }
  if (cause instanceof SpoolError) {
    if (cause.reason === 'oversize') return invalid('An input file is larger than may be', false);
    return new Retry('no room for the input files', { counts: false, delayMs, cause });
  }
  if (!(cause instanceof ComfyError) || cause.failure !== 'status') return cause;
  if (cause.status === 413) return invalid('An input file is larger than the ComfyUI server accepts', false);
  return cause.status === 400 ? invalid('The ComfyUI server refused an input file', false) : cause;
}
