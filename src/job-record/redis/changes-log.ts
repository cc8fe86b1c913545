import type { Redis } from 'ioredis';
import { type JobEvent, type JobEventType, jobEventTypes } from '../../core/events.ts';
import { CHANGES_LIFE_MS, type Keys } from '../../redis/keys.ts';
import { results } from '../../redis/pipeline.ts';
import { readJobs } from './job-page.ts';

/** Events of a caller's jobs behind a place in its changes. */
export interface ChangesReading {
  /** Each with its own place. */
  events: { place: string; event: JobEvent }[];
  /** Where the next reading begins. */
  place: string;
  more: boolean;
}

/** Events of one reading at most. */
const BATCH = 200;

/** Before all entries. */
const BEGINNING = '0-0';

interface Change {
  place: string;
  id: string;
  seq: number;
  type: JobEventType;
  at: number;
}

function parseChange([place, [, id = '', , seq, , text, , at]]: [place: string, fields: string[]]): Change | null {
  const type = jobEventTypes.find((known) => known === text);
  // What a reader left, or an event that only a later version knows.
  return type ? { place, id, seq: Number(seq), type, at: Number(at) } : null;
}

/** Whether a place comes behind another: both are `milliseconds-number`. */
export function isBehind(place: string, other: string): boolean {
  const [ms, number] = place.split('-').map(Number);
  const [otherMs, otherNumber] = other.split('-').map(Number);
  return Number(ms) > Number(otherMs) || (ms === otherMs && Number(number) > Number(otherNumber));
}

/**
 * The place of what happened last, as of the very call. Where nothing has, an entry is made: a reader holds on to the
 * one that it has read last, since by its absence it sees that the log was trimmed behind it or that Redis has lost
 * writes.
 */
export async function newestChange(redis: Redis, keys: Keys, caller: string): Promise<string> {
  const key = keys.changes(caller);
  const [last] = await redis.xrevrange(key, '+', '-', 'COUNT', 1);
  if (last) return last[0];
  await results(redis.multi().xadd(key, '*', 'reader', '').pexpire(key, CHANGES_LIFE_MS));
  return BEGINNING;
}

/**
 * What happened behind `place`, each event with its job as it is now. Those of jobs that are gone are left out. Null
 * when the log no longer has the entry at `place`, so that nobody can say what came behind it.
 */
export async function readChanges(
  redis: Redis,
  keys: Keys,
  caller: string,
  place: string,
): Promise<ChangesReading | null> {
  const found = await redis.xrange(keys.changes(caller), place, '+', 'COUNT', BATCH + 1);
  if (found.length === 0 || (place !== BEGINNING && found[0]?.[0] !== place)) return null;
  const entries = place === BEGINNING ? found : found.slice(1);
  const changes = entries.map(parseChange);
  const ids = [...new Set(changes.flatMap((change) => change?.id ?? []))];
  const page = await readJobs(redis, keys, ids);
  const fitting = new Set(ids.slice(0, page.read));
  const jobs = new Map(page.jobs.map((job) => [job.id, job]));

  // Up to the first whose job did not fit.
  const cut = changes.findIndex((change) => change && !fitting.has(change.id));
  const count = cut === -1 ? entries.length : cut;
  const events = changes.slice(0, count).flatMap((change) => {
    const job = change && jobs.get(change.id);
    return job ? [{ place: change.place, event: { seq: change.seq, type: change.type, at: change.at, job } }] : [];
  });
  return { events, place: entries[count - 1]?.[0] ?? place, more: count < entries.length || found.length > BATCH };
}
