import type { CallStorage } from './calls.ts';
import type { ConnectionOptions } from './connection.ts';
import type { Job, JobFilter, Preview, Priority, Progress } from './job.ts';

export interface ComfyOptions extends ConnectionOptions {
  /** Of the gateway, with or without `/graphql`; `/` for the page's own origin. */
  url: string;
  /**
   * Lets a call go on after a reload: the same workflow with the same input gets the same job, and its result.
   * `sessionStorage` for each tab by itself; with `localStorage`, a call in another tab joins the job, too.
   */
  storage?: CallStorage | undefined;
}

export interface StartOptions {
  /** Default: NORMAL. */
  priority?: Priority | undefined;
  /** The caller's own labels, at most 16 of 1 to 64 characters. */
  tags?: string[] | undefined;
  /** From acceptance, waiting included: a job that has not ended by then is FAILED with TIMEOUT. */
  deadlineSeconds?: number | undefined;
  /** Idempotency key, where it is to be yours: the same key and input give the same job for 24 hours. */
  key?: string | undefined;
  /**
   * Aborted, it cancels the job. When that is done, the call rejects with the signal's reason, as `fetch` does: after a
   * lost connection when the gateway is back.
   */
  signal?: AbortSignal | undefined;
}

export interface FollowOptions {
  signal?: AbortSignal | undefined;
  /** With every event of the job. */
  onProgress?: ((progress: Progress) => void) | undefined;
  /** Asks for pictures of the work under way, at most 5 a second. */
  onPreview?: ((preview: Preview) => void) | undefined;
  /** With every event of the job, beginning with its acceptance. */
  onJob?: ((job: Job) => void) | undefined;
}

export interface RunOptions extends StartOptions, FollowOptions {}

export interface UploadOptions {
  /** Default: that of a `File`. */
  filename?: string | undefined;
  signal?: AbortSignal | undefined;
}

export interface WatchOptions {
  /** Whether there are PREVIEW events, at most 5 a second. */
  previews?: boolean | undefined;
  /** Number of the last event that was seen; absent: it begins with a SNAPSHOT. */
  afterSeq?: number | undefined;
  signal?: AbortSignal | undefined;
}

export interface WatchAllOptions {
  /** Its `status` is that which a job gets by the event. */
  filter?: JobFilter | undefined;
  signal?: AbortSignal | undefined;
}

export interface JobsOptions {
  /** 1 to 100; default 20. */
  first?: number | undefined;
  /** `endCursor` of the page before. */
  after?: string | null | undefined;
  filter?: JobFilter | undefined;
}

/** Either `jobs` or `tag`. */
export interface WatchTokenOptions {
  /** Ids of 1 to 100 jobs. */
  jobs?: string[] | undefined;
  /** All jobs that have it, now and later. */
  tag?: string | undefined;
  /** 60 to 86400; default 900. */
  seconds?: number | undefined;
}
