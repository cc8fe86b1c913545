import type { JobEventType } from './events.ts';
import type { JobStatus } from './job.ts';

/** Where a move leads from each status that allows it, and the event that tells of it (null: nothing is told). */
export type Move = Partial<Record<JobStatus, readonly [to: JobStatus, event: JobEventType | null]>>;

/**
 * Every change that a job can undergo. A move is refused from a status that it does not name. `transition.lua` carries them
 * out and adds two rules of its own: a move in `fencedMoves` needs the record's latest lease, and once a cancel was requested
 * every move to another status, but `expire`, ends in CANCELED.
 */
export const moves = {
  /** A worker takes the job, also one that another worker left RUNNING. */
  claim: { QUEUED: ['RUNNING', 'STARTED'], RUNNING: ['RUNNING', 'STARTED'] },
  /** Which prompt at which server stands for the job. */
  submit: { RUNNING: ['RUNNING', null] },
  progress: { RUNNING: ['RUNNING', 'PROGRESS'] },
  /** Back into the queue, to be tried again. */
  retry: { RUNNING: ['QUEUED', 'RETRYING'] },
  succeed: { RUNNING: ['SUCCEEDED', 'SUCCEEDED'] },
  fail: { RUNNING: ['FAILED', 'FAILED'] },
  /** The worker confirms a cancel that was requested. */
  cancel: { RUNNING: ['CANCELED', 'CANCELED'] },
  requestCancel: { QUEUED: ['CANCELED', 'CANCELED'], RUNNING: ['RUNNING', 'CANCEL_REQUESTED'] },
  /** The deadline has passed. */
  expire: { QUEUED: ['FAILED', 'FAILED'], RUNNING: ['FAILED', 'FAILED'] },
} as const satisfies Record<string, Move>;

export type MoveName = keyof typeof moves;

/** Moves of a worker: refused when its lease is not the latest any more. */
export const fencedMoves = ['submit', 'progress', 'retry', 'succeed', 'fail', 'cancel'] as const satisfies MoveName[];
export type FencedMove = (typeof fencedMoves)[number];
