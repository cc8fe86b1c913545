import type { Redis } from 'ioredis';
import { type Job, type JobStatus, jobStatuses, type Submission } from '../../core/job.ts';
import { type MoveName, moves } from '../../core/moves.ts';
import { CHANGES_LIFE_MS, type Keys } from '../../redis/keys.ts';
import { strings } from '../../redis/scripts.ts';
import { fieldsOf, formatFields, parseRecord } from '../record.ts';
import { type AddTicket, loadFairScript, ticketOf } from './fair.ts';

export interface TransitionRequest {
  id: string;
  move: MoveName;
  /** Needed by fenced moves. */
  lease?: number;
  set?: Partial<Job>;
  /** Written where the record names none. Default: nothing. */
  submission?: Submission | null;
  /** What the job has taken of a server, in whole milliseconds. Default: the time since it began there. */
  gpuUsedMs?: number | undefined;
}

export type TransitionOutcome =
  /** `submitted`: the submission of the request was written. */
  | { outcome: 'done'; status: JobStatus; cancelRequested: boolean; submitted: boolean; job: Job | null }
  /** The job's status does not allow the move. */
  | { outcome: 'refused'; status: JobStatus }
  | { outcome: 'gone' }
  /** The lease is no longer the record's latest. */
  | { outcome: 'lost' };

export type Transition = (request: TransitionRequest, options?: { withRecord: boolean }) => Promise<TransitionOutcome>;

const isStatus = (value: unknown): value is JobStatus => jobStatuses.some((status) => status === value);

/**
 * The one way to change a job. `job` of the outcome is there only when asked for. `addTicket`: default, the sweeper
 * adds what is wanted.
 */
export function createTransition(redis: Redis, keys: Keys, retentionMs: number, addTicket?: AddTicket): Transition {
  const run = loadFairScript('./transition.lua');
  const moveTexts = Object.fromEntries(Object.entries(moves).map(([name, move]) => [name, JSON.stringify(move)]));

  return async ({ id, move, lease, set = {}, submission, gpuUsedMs }, options) => {
    const reply = await run(
      redis,
      [keys.job(id), keys.events(id)],
      [
        keys.tag,
        id,
        moveTexts[move] ?? '',
        lease ?? '',
        retentionMs,
        options?.withRecord ? '1' : '0',
        CHANGES_LIFE_MS,
        submission ? JSON.stringify(submission) : '',
        ...formatFields(set),
        ...(gpuUsedMs === undefined ? [] : ['gpuUsedMs', gpuUsedMs]),
      ],
    );
    if (!Array.isArray(reply)) throw new Error('transition.lua answered something else than a list');
    const [outcome, status, cancelRequested, record, ticket, submitted] = reply;
    if (outcome === 'gone' || outcome === 'lost') return { outcome };
    if (!isStatus(status)) throw new Error(`transition.lua answered the status ${String(status)}`);
    if (outcome === 'refused') return { outcome, status };
    const wanted = ticketOf(ticket);
    if (wanted !== null) void addTicket?.(wanted);
    const job = options?.withRecord ? parseRecord(fieldsOf(strings(record))) : null;
    return { outcome: 'done', status, cancelRequested: cancelRequested === '1', submitted: submitted === '1', job };
  };
}
