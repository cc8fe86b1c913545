import type { JobEventType } from './events.ts';
import type { JobStatus } from './job.ts';

/** Counters of a job's record that a move raises by one. */
type Counter = 'lease' | 'attempts' | 'takeovers' | 'failures';

/** Where a move leads from one status. `event` null: no event is logged, and `seq` stays. */
interface Step {
  to: JobStatus;
  event: JobEventType | null;
  add?: readonly Counter[];
}

interface Move {
  /** Carries a lease, and is refused when it is not the record's latest. */
  fenced: boolean;
  /** Ends in CANCELED once a cancel was requested, wherever it was to lead. */
  yieldsToCancel: boolean;
  /** A move is refused from a status that has no step. */
  steps: Partial<Record<JobStatus, Step>>;
}

/** Every change that a job can undergo; `transition.lua` carries them out. */
export const moves = {
  /** A worker takes the job, also one that another worker left RUNNING. */
  claim: {
    fenced: false,
    yieldsToCancel: true,
    steps: {
      QUEUED: { to: 'RUNNING', event: 'STARTED', add: ['lease', 'attempts'] },
      RUNNING: { to: 'RUNNING', event: 'STARTED', add: ['lease', 'attempts', 'takeovers'] },
    },
  },
  /** Which prompt at which server stands for the job. */
  submit: { fenced: true, yieldsToCancel: false, steps: { RUNNING: { to: 'RUNNING', event: null } } },
  progress: { fenced: true, yieldsToCancel: false, steps: { RUNNING: { to: 'RUNNING', event: 'PROGRESS' } } },
  /** Results are stored, before the job has ended. */
  output: { fenced: true, yieldsToCancel: false, steps: { RUNNING: { to: 'RUNNING', event: 'OUTPUT' } } },
  /** Back into the queue after a failure that counts against JOB_ATTEMPTS. */
  retry: {
    fenced: true,
    yieldsToCancel: true,
    steps: { RUNNING: { to: 'QUEUED', event: 'RETRYING', add: ['failures'] } },
  },
  /** Back into the queue for no fault of the job's: its worker stops, or no server could be reached. */
  putBack: { fenced: true, yieldsToCancel: true, steps: { RUNNING: { to: 'QUEUED', event: 'RETRYING' } } },
  succeed: { fenced: true, yieldsToCancel: true, steps: { RUNNING: { to: 'SUCCEEDED', event: 'SUCCEEDED' } } },
  fail: { fenced: true, yieldsToCancel: true, steps: { RUNNING: { to: 'FAILED', event: 'FAILED' } } },
  /** The worker confirms a cancel that was requested. */
  cancel: { fenced: true, yieldsToCancel: false, steps: { RUNNING: { to: 'CANCELED', event: 'CANCELED' } } },
  requestCancel: {
    fenced: false,
    yieldsToCancel: false,
    steps: {
      QUEUED: { to: 'CANCELED', event: 'CANCELED' },
      RUNNING: { to: 'RUNNING', event: 'CANCEL_REQUESTED' },
    },
  },
  /** The deadline has passed. */
  expire: {
    fenced: false,
    yieldsToCancel: false,
    steps: { QUEUED: { to: 'FAILED', event: 'FAILED' }, RUNNING: { to: 'FAILED', event: 'FAILED' } },
  },
} as const satisfies Record<string, Move>;

export type MoveName = keyof typeof moves;
