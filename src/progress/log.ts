import type { Redis } from 'ioredis';
import { type JobEvent, type JobEventType, jobEventTypes } from '../core/events.ts';
import { isTerminal, type Job } from '../core/job.ts';
import type { Keys } from '../jobs/keys.ts';
import { parseRecord } from '../jobs/record.ts';

export interface LoggedEvent {
  seq: number;
  type: JobEventType;
  at: number;
}

/** A job and what its log holds behind a number, read in one step. */
export interface LogReading {
  job: Job;
  /** Null when the log no longer reaches back to that number, or the number is higher than the job's. */
  events: LoggedEvent[] | null;
}

type StreamEntry = [id: string, fields: string[]];

function parseEntry([id, fields]: StreamEntry): LoggedEvent {
  const type = jobEventTypes.find((known) => known === fields[1]);
  if (!type) throw new Error(`the log holds an event of unknown type ${fields[1]}`);
  return { seq: Number.parseInt(id, 10), type, at: Number(fields[3]) };
}

/** Null when there is no such job. */
export async function readLog(redis: Redis, keys: Keys, jobId: string, afterSeq: number): Promise<LogReading | null> {
  const replies = await redis
    .multi()
    .hgetall(keys.job(jobId))
    .xrange(keys.events(jobId), '-', '+', 'COUNT', 1)
    .xrange(keys.events(jobId), `(${afterSeq}`, '+')
    .exec();
  const [record, oldest, entries] = (replies ?? []).map(([error, value]) => {
    if (error) throw error;
    return value;
  }) as [{ [name: string]: string }, StreamEntry[], StreamEntry[]];
  const job = parseRecord(record);
  if (!job) return null;
  const first = oldest[0] ? parseEntry(oldest[0]).seq : Number.POSITIVE_INFINITY;
  const reaches = afterSeq === job.seq || (afterSeq < job.seq && first <= afterSeq + 1);
  return { job, events: reaches ? entries.map(parseEntry) : null };
}

/**
 * What a watcher that has seen everything up to the asked-for number is owed: the events since, or a SNAPSHOT where they are
 * not to be had; behind a SNAPSHOT of a job that has ended, its terminal event.
 */
export function eventsOwed({ job, events }: LogReading, now: number): JobEvent[] {
  return events ? events.map((event) => ({ ...event, job })) : snapshot(job, now);
}

/** A SNAPSHOT, and the terminal event where the job has ended. */
export function snapshot(job: Job, now: number): JobEvent[] {
  const first: JobEvent = { seq: job.seq, type: 'SNAPSHOT', at: now, job };
  if (!isTerminal(job.status)) return [first];
  return [first, { seq: job.seq, type: job.status, at: job.finishedAt ?? now, job }];
}
