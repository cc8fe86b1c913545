import { type ArtifactStore, StorageError } from '../../src/artifacts/artifact-store.ts';
import { uploadKey } from '../../src/artifacts/keys.ts';
import { wait } from '../../src/async/wait.ts';
import type { FileSource } from '../../src/core/file-source.ts';
import type { Graph } from '../../src/core/graph.ts';
import { own } from '../../src/core/objects.ts';
import { type FilePlace, type Plan, putFile } from '../../src/core/plan.ts';
import { SpoolError, type SpooledFile, spool } from '../../src/files/spool.ts';
import type { Attempt } from '../attempt/attempt.ts';
import { JobFailure, jobError, Retry } from '../attempt/failures.ts';
import { ComfyError } from '../comfyui/http.ts';
import type { Backend } from '../pool/backend.ts';
import type { Timings } from '../timings.ts';
import { fetchUrl } from './fetch-url.ts';
import { InputFault } from './input-fault.ts';
import { checkKind, type InspectedInput, inspectInput } from './inspect-input.ts';
import type { PlacedFiles } from './placed-files.ts';

/**
 * The input files of one attempt: each is fetched once, whatever servers it is brought to. Disposing it removes the
 * local ones.
 */
export interface Inputs extends AsyncDisposable {
  /**
   * The plan's graph with its files brought to this server and put in. Throws JobFailure INPUT_INVALID, Retry while
   * storage is away, ComfyError, or the attempt's Stopped.
   */
  place(backend: Backend): Promise<Graph>;
  /** Whether a graph was refused for a file that the server should have: it is sent again, once. */
  wasMissing(backend: Backend, refusal: unknown): boolean;
}

export interface InputParts {
  artifacts: ArtifactStore;
  placedFiles: PlacedFiles;
  /** Bytes of one input file, and origins that the rules for addresses do not apply to. */
  inputs: { maxBytes: number; origins: readonly string[] };
  tempDir: string;
  timings: Timings;
}

interface LocalInput extends InspectedInput {
  file: SpooledFile;
}

const TRIES = 3;
const BACKOFF_MS = 300;
/** Beside the files of others, in the folder of ComfyUI that its loaders read from. */
const SUBFOLDER = 'comfygate';

export function openInputs({ graph, files }: Plan, attempt: Attempt, parts: InputParts): Inputs {
  const { placedFiles, tempDir, timings, inputs: limits, artifacts } = parts;
  const over = new AbortController();
  const signal = AbortSignal.any([attempt.signal, over.signal]);
  const local = new Map<string, Promise<LocalInput>>();
  /** The names that servers gave to files, and the hashes of those. */
  const hashes = new Map<string, string>();
  const sentAgain = new Set<Backend>();

  /** Network trouble is given a few tries, which together take no longer than one may. */
  async function fetched(source: FileSource): Promise<SpooledFile> {
    const late = AbortSignal.timeout(timings.fetch);
    const limited = AbortSignal.any([signal, late]);
    for (let tries = 1; ; tries++) {
      try {
        const options = { dir: tempDir, ...limits, signal: limited };
        return await ('url' in source ? fetchUrl(source.url, options) : stored(source.upload, limited));
      } catch (cause) {
        signal.throwIfAborted();
        if (late.aborted) throw new InputFault('An input file took too long to fetch', { transient: true, cause });
        if (!(cause instanceof InputFault && cause.transient) || tries >= TRIES) throw cause;
        await wait(BACKOFF_MS * 2 ** tries, signal);
      }
    }
  }

  async function stored(id: string, limited: AbortSignal): Promise<SpooledFile> {
    const body = await artifacts.read(uploadKey(id), { signal: limited });
    if (body === null) throw new InputFault('An uploaded file is no longer there');
    return spool(body, tempDir, { maxBytes: limits.maxBytes, signal: limited });
  }

  async function bring(source: FileSource): Promise<LocalInput> {
    const file = await fetched(source);
    try {
      return { file, ...(await inspectInput(file.path)) };
    } catch (cause) {
      await file.dispose();
      throw cause;
    }
  }

  function localOf(source: FileSource): Promise<LocalInput> {
    const key = JSON.stringify(source);
    const found = local.get(key) ?? bring(source);
    local.set(key, found);
    return found;
  }

  async function nameAt(backend: Backend, place: FilePlace): Promise<string> {
    try {
      const input = await localOf(place.source);
      checkKind(input, place.kind);
      const { sha256, path } = input.file;
      const name = await placedFiles.ensure(backend, sha256, signal, () =>
        backend.client.upload({ path, name: `${sha256}.${input.extension}`, subfolder: SUBFOLDER }, signal),
      );
      hashes.set(name, sha256);
      return name;
    } catch (cause) {
      signal.throwIfAborted();
      attempt.log.info({ at: backend.name, upload: 'upload' in place.source }, 'input file not placed');
      throw failure(cause, place, graph, timings);
    }
  }

  return {
    async place(backend) {
      if (files.length === 0) return graph;
      const names = await Promise.all(files.map((place) => nameAt(backend, place)));
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
      over.abort(new Error('attempt over'));
      const brought = await Promise.allSettled(local.values());
      await Promise.all(brought.map((each) => each.status === 'fulfilled' && each.value.file.dispose()));
    },
  };
}

/** What a file that could not be placed means for the job. */
function failure(cause: unknown, { targets }: FilePlace, graph: Graph, { storageBack: delayMs }: Timings): unknown {
  const nodeId = targets[0]?.node ?? null;
  const classType = (nodeId === null ? undefined : own(graph, nodeId)?.class_type) || null;
  const invalid = (message: string, retryable: boolean) =>
    new JobFailure(jobError('INPUT_INVALID', message, { nodeId, classType, retryable }), { cause });
  if (cause instanceof InputFault) return invalid(cause.message, cause.transient);
  if (cause instanceof StorageError) {
    return new Retry('storage did not give an input file', { counts: false, delayMs, cause });
  }
  if (cause instanceof SpoolError) {
    if (cause.reason === 'oversize') return invalid('An uploaded file is larger than may be', false);
    return new JobFailure(jobError('STORAGE_FULL', 'The worker has no room for the input files'), { cause });
  }
  if (!(cause instanceof ComfyError) || cause.failure !== 'status') return cause;
  if (cause.status === 413) return invalid('An input file is larger than the ComfyUI server accepts', false);
  return cause.status === 400 ? invalid('The ComfyUI server refused an input file', false) : cause;
}
