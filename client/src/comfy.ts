import { graphqlUrl } from './address.ts';
import { newKey } from './calls.ts';
import { type Connection, type ConnectionState, createConnection } from './connection.ts';
import * as documents from './documents.ts';
import type { LocalFile } from './files.ts';
import { createInputs } from './inputs.ts';
import type { Backend, Health, InstallationLimits, Viewer, WatchToken, Workflow } from './installation.ts';
import type { Job, JobEvent, JobPage, Result } from './job.ts';
import type * as options from './options.ts';
import { createQuery, type SendDocument } from './query.ts';
import { createRunning } from './running.ts';
import { createUploads } from './uploads.ts';
import { createWatching } from './watching.ts';

export type { CallStorage } from './calls.ts';
export type { Connection, ConnectionOptions, ConnectionState } from './connection.ts';
export * from './errors.ts';
export type { CustomInput, FileInput, LocalFile } from './files.ts';
export type * from './installation.ts';
export type * from './job.ts';
export type * from './options.ts';
export type { Document, SendDocument } from './query.ts';

/**
 * The inputs of a gateway's workflows by name, which `npx @comfygate/client types URL` adds here. While there are none,
 * any name and any input are taken.
 */
// biome-ignore lint/suspicious/noEmptyInterface: types are added to an interface only, and this one begins empty.
export interface Workflows {}

export type WorkflowName = [keyof Workflows] extends [never] ? string : keyof Workflows & string;
export type InputOf<Name extends string> = Name extends keyof Workflows ? Workflows[Name] : Record<string, unknown>;

/** What every gateway does, whatever its workflows. */
export interface ComfyMethods {
  /** Runs a workflow, and gives what it makes. Throws JobFailed or Canceled where it does not succeed. */
  run<Name extends WorkflowName>(name: Name, input: InputOf<Name>, options?: options.RunOptions): Promise<Result>;
  /** As `run`, but gives the job as soon as it is accepted, its files sent. */
  start<Name extends WorkflowName>(name: Name, input: InputOf<Name>, options?: options.StartOptions): Promise<Job>;
  /** Waits for a job that was started, by itself or its id, as `run` does. */
  result(job: Job | string, options?: options.FollowOptions): Promise<Result>;

  /** Null where there is none, or it is somebody else's. */
  job(id: string): Promise<Job | null>;
  /** Newest first. */
  jobs(options?: options.JobsOptions): Promise<JobPage>;
  /** The events of a job up to its end, whatever happens to the connection. */
  watch(id: string, options?: options.WatchOptions): AsyncIterable<JobEvent>;
  /**
   * What happens to all jobs of the caller from now on, without PROGRESS. What happens while the connection is lost is
   * not told again: read `jobs` anew when `onResume` calls.
   */
  watchAll(options?: options.WatchAllOptions): AsyncIterable<JobEvent>;
  /** A job that has ended is given as it is. */
  cancel(id: string): Promise<Job>;
  /** Runs an ended job again with the same seed: a new job. */
  retry(id: string, options?: { key?: string | undefined }): Promise<Job>;
  /** Removes an ended job and its files. */
  delete(id: string): Promise<void>;
  /** Sends a file, for inputs that name it. BadUserInput where it is too large, or of a type that is not taken. */
  upload(file: LocalFile, options?: options.UploadOptions): Promise<{ upload: string }>;

  workflows(): Promise<Workflow[]>;
  workflow(name: string): Promise<Workflow | null>;
  backends(): Promise<Backend[]>;
  /** Who calls. */
  viewer(): Promise<Viewer>;
  limits(): Promise<InstallationLimits>;
  health(): Promise<Health>;
  /** For a browser that is to watch these jobs and do nothing else. Null where the gateway tells nobody apart. */
  watchToken(options: options.WatchTokenOptions): Promise<WatchToken | null>;
  /** Any document, with the same patience and the same errors. */
  query: SendDocument;

  /** `lost` while the gateway cannot be reached. What is under way goes on when it can. */
  state(): ConnectionState;
  /** Calls when the state is another; gives back what ends it. */
  onState(listener: () => void): () => void;
  /** Calls when subscriptions have begun or begun again: events of `watchAll` before it may have been missed. */
  onResume(listener: () => void): () => void;
  /** For the links of other clients: one socket and one patient `fetch`. */
  connection: Connection;
  /** Where documents are sent. */
  url: string;
  /** Ends all that is under way, and the socket, which would keep a process alive. Jobs run on. */
  close(): Promise<void>;
}

/** A function for each workflow, such as `comfy.textToImage({ prompt })`; methods win over workflows of their names. */
export type Comfy = ComfyMethods & {
  [Name in Exclude<WorkflowName, keyof ComfyMethods>]: (
    input: InputOf<Name>,
    options?: options.RunOptions,
  ) => Promise<Result>;
};

/**
 * A gateway, with a function for each of its workflows. Calls that have no answer are sent again, and lost connections
 * are made anew, until `close()`. Nothing is sent before the first call.
 */
export function createComfy(options: options.ComfyOptions): Comfy {
  const methods = createMethods(options);
  const functions = new Map<string | symbol, unknown>(Object.entries(methods));
  return new Proxy({} as Comfy, {
    get(_, name) {
      // What is no name of GraphQL is asked for by those who print it, and `then` by those who await it.
      if (!functions.has(name) && typeof name === 'string' && /^(?!then$|toJSON$)[a-z]\w*$/i.test(name))
        functions.set(name, methods.run.bind(null, name as WorkflowName));
      return functions.get(name);
    },
  });
}

function createMethods({ url: address, storage, ...options }: options.ComfyOptions): ComfyMethods {
  const url = graphqlUrl(address);
  const connection = createConnection(url, options);
  const query = createQuery(url, connection.fetch);
  const upload = createUploads(query, connection);
  const withInput = createInputs({ upload, storage });
  const { watch, watchAll, follow } = createWatching(query, connection);
  const { job, cancel, accept, result } = createRunning({ query, follow });

  /** The only field of a document's data. */
  const ask = async <Value>(document: string, variables?: object): Promise<Value> => {
    const [value] = Object.values(await query<Record<string, Value>>(document, variables));
    return value as Value;
  };

  return {
    run: (name, input, how = {}) =>
      withInput(
        name,
        input,
        how,
        (sent, key) => accept(name, sent, key, how),
        (job) => result(job, how),
      ),
    start: (name, input, how = {}) =>
      withInput(
        name,
        input,
        how,
        (sent, key) => accept(name, sent, key, how),
        (job) => job,
      ),
    result,
    job,
    jobs: (page) => ask(documents.JOBS, page),
    watch,
    watchAll,
    cancel,
    retry: async (id, { key = newKey() } = {}) => (await ask<{ job: Job }>(documents.RETRY, { id, key })).job,
    delete: async (id) => void (await ask(documents.DELETE, { id })),
    upload,
    workflows: () => ask(documents.WORKFLOWS),
    workflow: (name) => ask(documents.ONE_WORKFLOW, { name }),
    backends: () => ask(documents.BACKENDS),
    viewer: () => ask(documents.VIEWER),
    limits: () => ask(documents.LIMITS),
    health: () => ask(documents.HEALTH),
    watchToken: (of) => ask(documents.CREATE_WATCH_TOKEN, of),
    query,
    state: connection.state,
    onState: connection.onState,
    onResume: connection.onResume,
    connection,
    url,
    close: connection.close,
  };
}
