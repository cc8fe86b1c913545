import type { Sight } from '../callers/identity.ts';
import type { Artifact, Job, JobError, JobStatus, NodeTiming, Priority, Progress, Submission } from '../core/job.ts';
import type { JobLimits, Limited, LimitState } from '../core/limits.ts';

/** What a worker's move writes besides the status. */
export type Change =
  | { move: 'submit'; submission: Submission }
  | { move: 'progress'; progress: Progress }
  /** `artifacts`: all of this attempt so far. */
  | { move: 'output'; artifacts: Artifact[] }
  /** `counts`: whether it counts as one of JOB_ATTEMPTS. */
  | { move: 'retry'; counts: boolean }
  | { move: 'succeed'; artifacts: Artifact[]; progress: Progress; timings: NodeTiming[] }
  /** `artifacts`: results that are whole though the job is not; absent: those that the record has already. */
  | { move: 'fail'; error: JobError; artifacts?: Artifact[]; timings: NodeTiming[] }
  | { move: 'cancel' };

/**
 * `ended`: it had, `error` says why where it FAILED. `lost`: the lease is another's, or the record is gone: touch
 * nothing more.
 */
export type MoveOutcome =
  | { outcome: 'done'; status: JobStatus; cancelRequested: boolean }
  | { outcome: 'ended'; status: JobStatus; error: JobError | null }
  | { outcome: 'lost' };

export type ClaimOutcome =
  /**
   * `submitted`: with the submission that was to be written, of which no prompt was posted yet. Any other one that the
   * record names may still be alive at its server.
   */
  | { outcome: 'claimed'; job: Job; submitted: boolean }
  /**
   * It has ended (`now`: by this very claim, where a cancel had been requested): its recorded prompt may still be
   * alive.
   */
  | { outcome: 'ended'; job: Job; now: boolean }
  | { outcome: 'gone' };

/** `sealedApiKey`: see `NewJob`; null when there is none. */
export interface PickedJob {
  job: Job;
  sealedApiKey: string | null;
}

/**
 * What a running attempt must know to go on: `lost` when the lease is no longer the given one. `previews`: somebody
 * watches them.
 */
export type LeaseState =
  | { state: 'held'; cancelRequested: boolean; previews: boolean; deadlineAt: number; now: number }
  /** Ended by someone else (deadline) under this very lease: its prompt may be cancelled. */
  | { state: 'ended'; status: JobStatus }
  | { state: 'lost' };

/** The worker's side of the job record. Every call throws when Redis cannot be reached. */
export interface WorkerJobStore {
  /** The artifact of this id, whoever's; null when there is none, or it has expired. */
  artifact(id: string): Promise<Artifact | null>;
  /**
   * The job of a delivered ticket: the one that it has from an earlier delivery, else the one that is to be started
   * next, which it has from now on. Null where none is.
   */
  pick(ticket: string): Promise<PickedJob | null>;
  /** A picked job cannot be started now: its ticket is put back, and it counts as running no more. */
  park(jobId: string): Promise<void>;
  /** Takes over a job that a version without tickets has queued; nothing where it has its turn already. */
  adopt(jobId: string): Promise<void>;
  /** The job as it is, claimed by nobody; null when it is gone. */
  read(jobId: string): Promise<Job | null>;
  /** `submission`: is written in the same step where the record names none. Default: nothing is written. */
  claim(jobId: string, submission?: Submission | null): Promise<ClaimOutcome>;
  move(jobId: string, lease: number, change: Change): Promise<MoveOutcome>;
  lease(jobId: string, lease: number): Promise<LeaseState>;
  /** The template that a job was accepted with, as `WorkflowCatalogue` stored it; null when it is gone. */
  template(hash: string): Promise<string | null>;
}

/** What `generate` hands over, already parsed and defaulted. */
export interface NewJob {
  id: string;
  caller: string;
  idempotencyKey: string;
  /** SHA-256 over what the caller asked for, before the seed was drawn. */
  fingerprint: string;
  /** Milliseconds that the key is kept at least, where the installation's own time is not enough. */
  keyLifeMs?: number;
  workflow: string;
  /** `sizes`: see `Workflow.template`; absent where the template is of an earlier version. */
  template: { hash: string; text: string; sizes?: readonly string[] } | null;
  parameters: Job['parameters'];
  nodesTotal: number;
  priority: Priority;
  tags: string[];
  retryOf: string | null;
  /** The caller's key for partner nodes, see seal.ts; it is kept until the job has ended. Default: none. */
  sealedApiKey?: string | null;
  /** Only while the job `retryOf` is listed as failed, so that nobody has run it again. */
  onlyListed?: boolean;
  deadlineMs: number;
  requestId: string;
  /** Whose jobs are counted together, to bound what they take of Redis: the address of a client. Null: not counted. */
  client: string | null;
  /** What its caller's jobs are counted by. Default: nothing. */
  limits?: JobLimits | null;
  /** Milliseconds that it is likely to take of a server: reserved where there are limits. Default: a second. */
  gpuMs?: number;
  /** Its caller's share of the servers, beside that of others. Default: that of `limits`, else 1. */
  weight?: number;
  /** Of the span in which it is accepted, to which its run belongs. Default: none. */
  traceparent?: string | null;
}

export type AcceptOutcome =
  /**
   * `ticket`: the one that the queue must hold before the caller gets its answer; null: it holds enough. `left`: of the
   * limits, where there are any and it is new.
   */
  | { outcome: 'created' | 'replayed'; job: Job; ticket: string | null; left?: LimitState[] }
  /** A limit of the plan is used up. */
  | { outcome: 'limited'; limited: Limited; left: LimitState[] }
  | { outcome: 'reused'; jobId: string }
  | { outcome: 'deleted'; jobId: string }
  /** See `NewJob.onlyListed`. */
  | { outcome: 'unlisted' }
  /** No ComfyUI has been seen for the grace time. */
  | { outcome: 'refused'; unseenMs: number }
  /** Redis has no room for more jobs. */
  | { outcome: 'full' }
  /** The client's jobs, those that have not ended or all that are kept, take as much of Redis as they may. */
  | { outcome: 'tooMany'; jobs: 'open' | 'kept'; bytes: number };

/** By which a job is known that a call has already made. */
export type JobKey = Pick<NewJob, 'caller' | 'idempotencyKey' | 'fingerprint'>;

/** What a key has made: `AcceptOutcome` without making anything. */
export type MadeOutcome = Extract<AcceptOutcome, { outcome: 'created' | 'replayed' | 'reused' | 'deleted' }>;
export type LimitedOutcome = Extract<AcceptOutcome, { outcome: 'limited' }>;

export interface JobPageQuery {
  caller: string;
  /** Only these, at most 100; default: all of the caller's. */
  among?: ReadonlySet<string> | undefined;
  first: number;
  after: { createdAt: number; id: string } | null;
  status: JobStatus[] | null;
  createdAfter: number | null;
  createdBefore: number | null;
}

/** The gateway's side of the job record. Every call throws when Redis cannot be reached. */
export interface GatewayJobStore {
  accept(job: NewJob): Promise<AcceptOutcome>;
  /** What the key has already made; null: nothing. */
  madeBy(key: JobKey): Promise<MadeOutcome | null>;
  /** The same, and counts a request of the caller that is given no job. `key` null: it can have made none. */
  countRequest(caller: string, limits: JobLimits, key: JobKey | null): Promise<MadeOutcome | LimitedOutcome | null>;
  /** What is left of a caller's limits. */
  limits(caller: string, limits: JobLimits): Promise<LimitState[]>;
  /** The text of a template that a job was accepted with; null when it is gone. */
  template(hash: string): Promise<string | null>;
  /** The job of this id, whoever's: not for what callers ask. */
  get(id: string): Promise<Job | null>;
  /** The job of this id; another's is as if absent. */
  own(sight: Sight, id: string): Promise<Job | null>;
  /** Whether all of these jobs may be seen, in one round trip. */
  ownsAll(sight: Sight, ids: ReadonlySet<string>): Promise<boolean>;
  /** The artifact of this id; null when there is none of a job that may be seen, or it has expired. */
  ownArtifact(sight: Sight, id: string): Promise<Artifact | null>;
  requestCancel(id: string): Promise<Job | null>;
  /** How many jobs will start before each, as things stand; null for one that does not wait in the queue. */
  positions(ids: string[]): Promise<(number | null)[]>;
  /** Newest first, fewer than `first` where jobs are large. `more`: the index goes on behind the last one. */
  page(query: JobPageQuery): Promise<{ jobs: Job[]; more: boolean }>;
  counts(): Promise<{ queued: number; running: number; oldestQueuedMs: number | null }>;
  remove(id: string): Promise<void>;
}

/** A job that its deadline has ended; null what its record no longer says. */
export interface OverdueJob {
  status: JobStatus;
  workflow: string | null;
  requestId: string | null;
}

/**
 * What ends and removes jobs where nobody else does, on Redis's clock. Every call throws when Redis cannot be reached.
 */
export interface SweeperJobStore {
  now(): Promise<number>;
  /** True for one of all processes within `ms`, and for each while Redis is full and stores no lock. */
  lock(ms: number): Promise<boolean>;
  /** Ids of open jobs that are past their deadlines, the earliest first. */
  overdue(limit: number): Promise<string[]>;
  /** Ends a job by its deadline. Null where it had ended already or is gone: it is not listed as open any more. */
  expire(id: string, error: JobError): Promise<OverdueJob | null>;
  /** Ids of open jobs by deadline, from the one at place `from` on. */
  open(from: number, limit: number): Promise<string[]>;
  /**
   * What the queue must hold: spare tickets made before `madeBefore` (milliseconds since 1970), new ones where they are
   * too few, and those of these open jobs. `strays`: jobs that have none, and that do not wait for one; `gone`: those
   * without a record.
   */
  tickets(madeBefore: number, openIds: string[]): Promise<{ tickets: string[]; strays: string[]; gone: string[] }>;
  /** Gives a stray its place or a ticket. Gives the ticket that the queue must hold; null: it holds enough. */
  adopt(id: string): Promise<string | null>;
  /** Lists an id as open no more: its record is gone. */
  forget(id: string): Promise<void>;
  /** Ids of ended jobs whose retention is over, the earliest first. */
  expired(limit: number): Promise<string[]>;
  /** Ids of ended jobs whose parameters are to be packed, those that ended first. */
  unpacked(limit: number): Promise<string[]>;
  /** Packs the parameters of an ended job, which are read again as they were. */
  pack(id: string): Promise<void>;
  /** Puts an expired job that could not be removed behind all others that have expired. */
  postpone(id: string): Promise<void>;
}
