import { type CallStorage, createCalls, digestOf, newKey, type PendingCall } from './calls.ts';
import { type ConnectionOptions, createConnection } from './connection.ts';
import * as documents from './documents.ts';
import { BadUserInput, Canceled, ComfyError, errorOf, JobFailed, NotFound } from './errors.ts';
import { iterate } from './events.ts';
import { blobOf, type LocalFile, mapFiles, mediaTypeOf, type Path } from './files.ts';
import type { Backend, Health, InstallationLimits, JobOptions, Viewer, WatchToken, Workflow } from './installation.ts';
import {
  hasEnded,
  type Job,
  type JobEvent,
  type JobFilter,
  type JobPage,
  type Preview,
  type Progress,
  type Result,
  resultOf,
} from './job.ts';
import { createQuery } from './query.ts';

export type { CallStorage } from './calls.ts';
export type { Connection, ConnectionOptions, ConnectionState } from './connection.ts';
export * from './errors.ts';
export type { FileInput, LocalFile } from './files.ts';
export type * from './installation.ts';
export type * from './job.ts';
export type { Document } from './query.ts';

/**
 * Inputs of the workflows of a gateway, by name. `npx @comfygate/client types URL` writes them; while there are none,
 * any name and input are taken.
 */
// biome-ignore lint/suspicious/noEmptyInterface: others add to it.
export interface Workflows {}

type Untyped = [keyof Workflows] extends [never] ? true : false;
export type WorkflowName = Untyped extends true ? string : keyof Workflows & string;
export type InputOf<Name extends string> = Name extends keyof Workflows ? Workflows[Name] : Record<string, unknown>;

export interface ComfyOptions extends ConnectionOptions {
  /** Of the gateway, with or without `/graphql`; `/` for the page's own origin. */
  url: string;
  /** Lets a call go on after a reload: the same workflow with the same input gets the same job, and its result. */
  storage?: CallStorage | undefined;
}

export interface StartOptions extends JobOptions {
  /** Idempotency key, where it is to be yours: the same key and input give the same job for 24 hours. */
  key?: string | undefined;
  /** Aborted, it cancels the job; the call then rejects with the signal's reason, as `fetch` does. */
  signal?: AbortSignal | undefined;
}

export interface RunOptions extends StartOptions {
  /** With every event of the job. */
  onProgress?: ((progress: Progress) => void) | undefined;
  /** Asks for pictures of the work under way, at most 5 a second. */
  onPreview?: ((preview: Preview) => void) | undefined;
  /** With every change of the job, beginning with its acceptance. */
  onJob?: ((job: Job) => void) | undefined;
}

export interface UploadOptions {
  /** Default: that of a `File`. */
  filename?: string | undefined;
  signal?: AbortSignal | undefined;
}

export interface WatchOptions {
  previews?: boolean | undefined;
  /** Number of the last event that was seen; absent: it begins with a SNAPSHOT. */
  afterSeq?: number | undefined;
  signal?: AbortSignal | undefined;
}

export type Comfy = ReturnType<typeof createMethods> & {
  [Name in WorkflowName]: (input: InputOf<Name>, options?: RunOptions) => Promise<Result>;
};

/**
 * A gateway, with a function for each of its workflows: `await comfy.textToImage({ prompt })`. What it does is done
 * over a path that may break: calls are repeated and events go on until `close()`. Nothing is sent before the first
 * call.
 */
export function createComfy(options: ComfyOptions): Comfy {
  const methods: Record<string, unknown> = createMethods(options);
  return new Proxy(methods, {
    get(target, name: string) {
      // Whoever awaits or prints it asks for these.
      if (!(name in target) && typeof name === 'string' && !/^(?:then|toJSON|\W.*)$/.test(name)) {
        target[name] = (input: Record<string, unknown>, how?: RunOptions) =>
          (target as ReturnType<typeof createMethods>).run(name, input, how);
      }
      return target[name];
    },
  }) as Comfy;
}

function createMethods({ url: address, storage, ...options }: ComfyOptions) {
  const url = graphqlUrl(address);
  const connection = createConnection(url, options);
  const query = createQuery(url, connection.fetch);
  const calls = storage && createCalls(storage);

  /** Sends a file, to be named in an input. BadUserInput: it is too large, or of a type that is not taken. */
  async function upload(file: LocalFile, { filename, signal }: UploadOptions = {}) {
    const blob = await blobOf(file);
    const name = filename ?? (('name' in blob && String(blob.name)) || 'file');
    const input = { filename: name, contentType: await mediaTypeOf(blob), size: blob.size };
    const { createUpload } = await query<{
      createUpload: { id: string; method: string; url: string; headers: Record<string, string> };
    }>(documents.CREATE_UPLOAD, { input }, { signal });
    const { id, method, headers } = createUpload;
    const { ok, status } = await connection.sendFile(createUpload.url, {
      method,
      headers,
      body: blob,
      signal: signal ?? null,
    });
    // 409 and 412: it is there already, by an attempt whose answer was lost.
    if (!ok && status !== 409 && status !== 412)
      throw new ComfyError(`expected the file to be taken at ${new URL(createUpload.url).origin}, got ${status}`);
    return { upload: id };
  }

  async function job(id: string): Promise<Job | null> {
    return (await query<{ job: Job | null }>(documents.ONE_JOB, { id })).job;
  }

  async function cancel(id: string): Promise<Job> {
    return (await query<{ cancelJob: Job }>(documents.CANCEL, { id })).cancelJob;
  }

  /** Calls `act` with the job's input as it is sent, and its key. */
  async function withInput<T>(
    workflow: string,
    given: unknown,
    { key, signal }: StartOptions,
    act: (input: unknown, key: string) => Promise<T>,
  ): Promise<T> {
    const blobs = new Map<LocalFile, Promise<Blob>>();
    const paths: Path[] = [];
    // Streams can be read once only.
    const described = await mapFiles(given, async (file, path) => {
      if (!blobs.has(file)) {
        blobs.set(file, blobOf(file));
        paths.push(path);
      }
      return { file: [...blobs.keys()].indexOf(file) };
    });
    const files = await Promise.all(blobs.values());
    const digest = calls && key === undefined && (await digestOf([JSON.stringify([workflow, described]), ...files]));
    const call: PendingCall | undefined = digest ? calls?.begin(digest) : undefined;
    try {
      const uploads =
        call?.uploads ??
        (await Promise.all(
          files.map((file, i) =>
            upload(file, { signal }).then(
              ({ upload }) => upload,
              (error) => {
                throw atPath(error, ['input', 'workflow', workflow, ...(paths[i] ?? [])]);
              },
            ),
          ),
        ));
      if (call && files.length > 0 && !call.uploads) calls?.sent(call, uploads);
      const keys = [...blobs.keys()];
      const input = await mapFiles(given, async (file) => ({ upload: uploads[keys.indexOf(file)] }));
      signal?.throwIfAborted();
      const result = await act(input, key ?? call?.key ?? newKey());
      if (call) calls?.end(call);
      return result;
    } catch (error) {
      // The gateway has said what there is to say. After any other error the same call goes on.
      if (call && (error instanceof ComfyError || signal?.aborted)) calls?.end(call);
      throw error;
    }
  }

  /** Not ended by the signal: who does not know whether there is a job cannot cancel it. */
  async function accept(workflow: string, input: unknown, idempotencyKey: string, how: StartOptions): Promise<Job> {
    const { priority, tags, deadlineSeconds, signal } = how;
    const { generate } = await query<{ generate: { job: Job } }>(documents.GENERATE, {
      input: { workflow: { [workflow]: input }, idempotencyKey, priority, tags, deadlineSeconds },
    });
    if (signal?.aborted) await cancel(generate.job.id);
    signal?.throwIfAborted();
    return generate.job;
  }

  async function* watch(id: string, how: WatchOptions = {}): AsyncGenerator<JobEvent, void, undefined> {
    const found = await query<{ job: Pick<Job, 'parameters'> | null }>(documents.PARAMETERS, { id }, how);
    if (!found.job) throw notFound(id);
    yield* follow({ id, ...found.job }, how);
  }

  /** Its events, with what none of them brings, since it stays the same. */
  async function* follow({ id, parameters }: Pick<Job, 'id' | 'parameters'>, how: WatchOptions) {
    const { previews = false, afterSeq, signal } = how;
    for await (const event of events(documents.WATCH, { id, previews, afterSeq }, signal))
      yield { ...event, job: { ...event.job, parameters } };
  }

  function events(document: string, variables: Record<string, unknown>, signal: AbortSignal | undefined) {
    return iterate<JobEvent>(
      (sink) =>
        connection.socket.subscribe<{ event: JobEvent }>(
          { query: document, variables },
          {
            next({ data, errors }) {
              if (!data) return sink.error(errors);
              const { event } = data;
              if (event.preview) event.preview.url = `data:${event.preview.contentType};base64,${event.preview.data}`;
              sink.next(event);
            },
            error: (error) => sink.error(Array.isArray(error) ? errorOf(error[0]) : error),
            complete: () => sink.complete(),
          },
        ),
      signal,
    );
  }

  /** The job when it has ended. */
  async function end(accepted: Job, { signal, onJob, onProgress, onPreview }: RunOptions): Promise<Job> {
    let latest = accepted;
    function tell(next: Job) {
      latest = next;
      onJob?.(next);
      onProgress?.(next.progress);
    }
    tell(accepted);
    while (!hasEnded(latest)) {
      for await (const event of follow(latest, { afterSeq: latest.seq, previews: Boolean(onPreview), signal })) {
        if (event.preview) onPreview?.(event.preview);
        else tell(event.job);
      }
      if (hasEnded(latest)) break;
      // It had ended with the event that was seen last.
      const now = await job(latest.id);
      if (!now) throw notFound(latest.id);
      tell(now);
    }
    return latest;
  }

  async function finish(accepted: Job, options: RunOptions): Promise<Result> {
    try {
      const ended = await end(accepted, options);
      if (ended.status === 'FAILED') throw new JobFailed(ended);
      if (ended.status === 'CANCELED') throw new Canceled(ended);
      const hasTexts = ended.artifacts.some(({ __typename }) => __typename === 'TextArtifact');
      return resultOf((hasTexts && (await job(ended.id))) || ended);
    } catch (error) {
      if (options.signal?.aborted) await cancel(accepted.id);
      throw error;
    }
  }

  return {
    /** Runs a workflow, and gives its results. Throws JobFailed and Canceled where there are none. */
    run: <Name extends WorkflowName>(name: Name, input: InputOf<Name>, how: RunOptions = {}): Promise<Result> =>
      withInput(name, input, how, async (sent, key) => finish(await accept(name, sent, key, how), how)),

    /** As `run`, but does not wait for the job: gives it as it was accepted. */
    start: <Name extends WorkflowName>(name: Name, input: InputOf<Name>, how: StartOptions = {}): Promise<Job> =>
      withInput(name, input, how, (sent, key) => accept(name, sent, key, how)),

    /** The results of a job that was started, when it has ended; the job itself or its id. */
    async result(started: Job | string, how: RunOptions = {}): Promise<Result> {
      const found = typeof started === 'string' ? await job(started) : started;
      if (!found) throw notFound(String(started));
      return finish(found, how);
    },

    job,
    jobs: async (page: { first?: number; after?: string | null; filter?: JobFilter } = {}): Promise<JobPage> =>
      (await query<{ jobs: JobPage }>(documents.JOBS, page)).jobs,

    /** The events of a job up to its end, whatever happens to the connection. */
    watch,
    /** What happens to all jobs of the caller from now on, without PROGRESS; see `onResume` for what may be missed. */
    watchAll: ({ filter, signal }: { filter?: JobFilter; signal?: AbortSignal } = {}): AsyncIterable<JobEvent> =>
      events(documents.WATCH_ALL, { filter }, signal),

    cancel,
    /** Runs an ended job again, with the same seed. */
    retry: async (id: string, { key = newKey() }: { key?: string } = {}): Promise<Job> =>
      (await query<{ retryJob: { job: Job } }>(documents.RETRY, { id, key })).retryJob.job,
    /** Removes an ended job with its files. */
    async delete(id: string): Promise<void> {
      await query(documents.DELETE, { id });
    },
    upload,

    workflows: async () => (await query<{ workflows: Workflow[] }>(documents.WORKFLOWS)).workflows,
    workflow: async (name: string) =>
      (await query<{ workflow: Workflow | null }>(documents.ONE_WORKFLOW, { name })).workflow,
    backends: async () => (await query<{ backends: Backend[] }>(documents.BACKENDS)).backends,
    viewer: async () => (await query<{ viewer: Viewer | null }>(documents.VIEWER)).viewer,
    limits: async () => (await query<{ limits: InstallationLimits }>(documents.LIMITS)).limits,
    health: async () => (await query<{ health: Health }>(documents.HEALTH)).health,
    /** For a browser that may watch these jobs and do nothing else. Null where the gateway tells nobody apart. */
    watchToken: async (of: { jobs?: string[]; tag?: string; seconds?: number }) =>
      (await query<{ createWatchToken: WatchToken | null }>(documents.CREATE_WATCH_TOKEN, of)).createWatchToken,

    /** Any document, with the same patience and the same errors. */
    query,

    /** `lost` while the gateway cannot be reached; what is under way goes on when it can. */
    state: connection.state,
    onState: connection.onState,
    /** Calls when subscriptions have begun, or begun again: events of `watchAll` before it may have been missed. */
    onResume: connection.onResume,
    /** For links of other clients: one socket and one patient `fetch`. */
    connection,
    /** Where documents are sent. */
    url,
    close: connection.close,
  };
}

function graphqlUrl(address: string): string {
  const base = /^\w+:/.test(address) ? address : new URL(address || '/', location.href).href;
  return base.replace(/(?:\/graphql)?\/?$/, '/graphql');
}

function notFound(id: string) {
  return new NotFound(`job ${id} not found`, { code: 'NOT_FOUND' });
}

/** A file that is refused is a fault of the field that has it. */
function atPath(error: unknown, path: Path) {
  if (!(error instanceof BadUserInput)) return error;
  const issues = error.issues.map((issue) => ({ ...issue, path }));
  return new BadUserInput(error.message, { ...error.details, issues }, { cause: error });
}
