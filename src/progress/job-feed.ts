import * as z from 'zod';
import { isTerminalEvent, type JobEvent, jobEventTypes } from '../core/events.ts';
import { isTerminal, type Job } from '../core/job.ts';
import { eventsOwed, type LogReading, snapshot } from '../job-record/event-log.ts';
import { applyChange } from '../job-record/record.ts';
import { previewSchema } from './previews.ts';
import type { Watcher } from './watcher.ts';

/** What transition.lua publishes. */
const liveEventSchema = z.object({
  seq: z.int(),
  type: z.enum(jobEventTypes),
  /** What it is in truth; `type` is for versions that do not know this one. */
  as: z.enum(jobEventTypes).optional().catch(undefined),
  at: z.number(),
  set: z.record(z.string(), z.string()),
});

/** One job as this process follows it, for all of its watchers. */
export interface JobFeed {
  readonly watchers: ReadonlySet<Watcher>;
  /** Those of them that get previews, too. */
  readonly previewers: ReadonlySet<Watcher>;
  /** Whether it is QUEUED, and somebody is to be told of its place there. */
  readonly wantsPlace: boolean;
  /** The job as last known; null before the first reading. */
  readonly job: Job | null;
  add(watcher: Watcher): void;
  addPreviewer(watcher: Watcher): void;
  /** Is told of moves in the queue from now on. `told`: the place that it has been told; null: none. */
  addMover(watcher: Watcher, told: number | null): void;
  remove(watcher: Watcher): void;
  /** The first reading. `stale`: what came meanwhile does not follow it, so the log has to be read. */
  start(job: Job): 'ok' | 'stale';
  /** A published message; `stale` as above. */
  live(message: unknown): 'ok' | 'stale';
  /** A published preview: all who get it are given the same event. */
  preview(message: unknown): void;
  /** Its place in the queue now, null while it is not in it: those who have been told another one are told. */
  placed(place: number | null): void;
  /** A reading of the log behind `since`, the number known when it was asked for: watchers get what they missed. */
  catchUp(reading: LogReading | null, since: number): void;
}

/**
 * Pure but for `now`: reading and subscribing are its owner's. `gone`: what watchers are told when the record has
 * vanished.
 */
export function createJobFeed(now: () => number, gone: () => Error): JobFeed {
  const watchers = new Set<Watcher>();
  const previewers = new Set<Watcher>();
  /** Those that are told of moves, each with the place that it was told last. */
  const movers = new Map<Watcher, number | null>();
  /** What came before the first reading. */
  let early: unknown[] = [];
  let job: Job | null = null;

  const send = (event: JobEvent) => {
    for (const watcher of watchers) watcher.push(event);
  };

  function become(next: Job) {
    job = next;
    // Should it come back to the queue, its place there is news.
    if (job.status !== 'QUEUED') for (const watcher of movers.keys()) movers.set(watcher, null);
  }

  function live(message: unknown): 'ok' | 'stale' {
    if (!job) {
      early.push(message);
      return 'ok';
    }
    const { seq, type, as, at, set } = liveEventSchema.parse(message);
    if (seq <= job.seq) return 'ok';
    if (seq > job.seq + 1) return 'stale';
    const changed = applyChange(job, set);
    become(changed);
    send({ seq, type: as ?? type, at, job: changed });
    return 'ok';
  }

  return {
    watchers,
    previewers,
    get job() {
      return job;
    },
    get wantsPlace() {
      return job?.status === 'QUEUED' && movers.size > 0;
    },
    add: (watcher) => watchers.add(watcher),
    addPreviewer: (watcher) => previewers.add(watcher),
    addMover: (watcher, told) => movers.set(watcher, told),
    remove(watcher) {
      watchers.delete(watcher);
      previewers.delete(watcher);
      movers.delete(watcher);
    },
    live,

    preview(message) {
      // One that is late says nothing of a job that has been put back or has ended.
      if (job?.status !== 'RUNNING') return;
      const event: JobEvent = { seq: job.seq, type: 'PREVIEW', at: now(), job, preview: previewSchema.parse(message) };
      for (const watcher of previewers) watcher.push(event);
    },

    placed(place) {
      // What is late says nothing of a job that has been taken meanwhile.
      if (place === null || job?.status !== 'QUEUED') return;
      const event: JobEvent = { seq: job.seq, type: 'MOVED', at: now(), job, queuePosition: place };
      for (const [watcher, told] of movers) {
        if (told === place) continue;
        movers.set(watcher, place);
        watcher.push(event);
      }
    },

    start(first) {
      if (job) return 'ok';
      become(first);
      const held = early;
      early = [];
      return held.some((message) => live(message) === 'stale') ? 'stale' : 'ok';
    },

    catchUp(reading, since) {
      if (!reading) {
        for (const watcher of watchers) watcher.fail(gone());
        return;
      }
      if (!job) return;
      const known = job;
      const read = reading.job;
      if (read.seq === known.seq && read.status === known.status) return;
      if (read.seq > known.seq) {
        become(read);
        // From `since` on, of which a live event may have told some meanwhile: watchers drop what they have seen.
        const owed = eventsOwed(reading, now());
        for (const event of owed) send(event);
        // The record has the last word.
        if (isTerminal(read.status) && !owed.some(({ type }) => isTerminalEvent(type))) {
          send({ seq: read.seq, type: read.status, at: read.finishedAt ?? now(), job: read });
        }
      } else if (read.seq < since || read.status !== known.status) {
        // Lower than what was known before it was asked for: Redis has lost writes, and counts on from there.
        become(read);
        for (const event of snapshot(read, now())) send(event);
      }
    },
  };
}
