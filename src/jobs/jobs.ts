import type { Identity } from '../callers/identity.ts';
import type { Job, JobFilter, Priority } from '../core/job.ts';
import type { LimitState, OnLimits } from '../core/limits.ts';

export interface WaitOptions {
  /** The answer is held until the job has ended, so long at most; 0 to 60, null: not at all. */
  waitSeconds: number | null;
  /** Aborts when the client has left. */
  signal: AbortSignal;
  /** The address that a held answer is counted against. Default: the caller. */
  client?: string | undefined;
}

/** A call that is counted against the plan of its caller. */
interface Limitable {
  identity: Identity;
  /** Called with what it has used of the plan, unless it has no limits. */
  onLimits?: OnLimits | undefined;
}

/** The argument of `generate` as it came; `path` leads the paths of the issues that are found in it. */
export interface GenerateRequest extends WaitOptions, Limitable {
  requestId: string;
  /** Where the call came from, for the audit log; the same of those below. */
  address?: string | undefined;
  /** Whose jobs are counted together: see NewJob. Default: nobody's. */
  client?: string | undefined;
  path: (string | number)[];
  idempotencyKey: string;
  /** Name in the catalogue or `custom`, with that field's own input. */
  workflow: { name: string; input: { [name: string]: unknown } };
  priority: Priority;
  deadlineSeconds: number | null;
  tags: string[];
  /** For partner nodes; a secret. Default: none. */
  comfyOrgApiKey?: string | null;
}

export interface RetryRequest extends Limitable {
  requestId: string;
  address?: string | undefined;
  client?: string | undefined;
  /** The job to run again. */
  id: string;
  idempotencyKey: string;
}

/** `first` 1 to 100; `after` a cursor of an earlier page; times in milliseconds. */
export interface ListRequest {
  identity: Identity;
  /** The address whose reads these are. Default: the caller. */
  client?: string | undefined;
  first: number;
  after: string | null;
  filter: JobFilter;
}

export interface JobPage {
  edges: { cursor: string; job: Job }[];
  hasNextPage: boolean;
  /** Where the next page begins, also when filtering left this one empty; null when nothing was looked at. */
  endCursor: string | null;
}

/** What callers may do with jobs. Rejects with GatewayError; a job that the identity may not see is as if absent. */
export interface Jobs {
  generate(request: GenerateRequest): Promise<{ job: Job; replayed: boolean }>;
  /** Runs an ended job again, as it was; CONFLICT while it is open, FORBIDDEN without the scope of its workflow. */
  retry(request: RetryRequest): Promise<{ job: Job; replayed: boolean }>;
  /** What is left of the limits of the caller's plan; [] where there are none. */
  limits(identity: Identity): Promise<LimitState[]>;
  get(identity: Identity, id: string, wait?: WaitOptions): Promise<Job | null>;
  list(request: ListRequest): Promise<JobPage>;
  /** `client`: the address whose read of the job this is. Default: the caller; the same below. */
  cancel(identity: Identity, id: string, requestId?: string, address?: string, client?: string): Promise<Job>;
  /** Removes an ended job, its events and artifacts; CONFLICT while it is open. */
  remove(identity: Identity, id: string, requestId?: string, address?: string, client?: string): Promise<void>;
  /** Whether the identity may see every one of these jobs. */
  ownsAll(identity: Identity, ids: ReadonlySet<string>): Promise<boolean>;
  /**
   * Jobs that will start before it, as things stand; null unless it is QUEUED. Calls of one tick are one round trip.
   */
  queuePosition(job: Job): Promise<number | null>;
}
