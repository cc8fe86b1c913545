import type { Redis } from 'ioredis';
import { type JobEvent, jobEventTypes, type LoggedEvent } from '../core/events.ts';
import { isTerminal, type Job } from '../core/job.ts';
import type { Keys } from '../redis/keys.ts';
import { loadScript, type ScriptReply, strings } from '../redis/scripts.ts';
import { fieldsOf, parseRecord } from './record.ts';

/** A job and what its log holds behind a number, read in one step. */
export interface LogReading {
  job: Job;
  /** Null when the log no longer reaches back to that number, or the number is higher than the job's. */
  events: LoggedEvent[] | null;
}

const readScript = loadScript(new URL('read-log.lua', import.meta.url));

function parseEntries(entries: ScriptReply | undefined): LoggedEvent[] {
  if (!Array.isArray(entries)) throw new Error('the log was not answered as a list');
  return entries.map((entry) => {
    const [id, fields] = Array.isArray(entry) ? entry : [];
    const [, name, , at] = strings(fields);
    const type = jobEventTypes.find((known) => known === name);
    if (!type) throw new Error(`the log holds an event of unknown type ${name}`);
    return { seq: Number.parseInt(String(id), 10), type, at: Number(at) };
  });
}

/** Null when there is no such job. */
export async function readLog(redis: Redis, keys: Keys, jobId: string, afterSeq: number): Promise<LogReading | null> {
  const reply = await readScript(redis, [keys.job(jobId), keys.events(jobId)], [afterSeq]);
  const [record, oldest, entries] = Array.isArray(reply) ? reply : [];
  const job = parseRecord(fieldsOf(strings(record)));
  if (!job) return null;
  const first = parseEntries(oldest)[0]?.seq ?? Number.POSITIVE_INFINITY;
  const reaches = afterSeq === job.seq || (afterSeq < job.seq && first <= afterSeq + 1);
  return { job, events: reaches ? parseEntries(entries) : null };
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
