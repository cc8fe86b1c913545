import type { Job } from '../../src/core/job.ts';

/** Jobs that no server of this worker can take now, put back into the queue with a delay. */
export interface DeferredJobs {
  /** Gives the milliseconds until the job is to be delivered again. `waitsFor`: the servers that can run it. */
  defer(job: Pick<Job, 'id' | 'order'> & { ticket: string }, waitsFor: readonly string[]): number;
  /** The ticket of the first that waits for this server, which is then no longer deferred; null when there is none. */
  next(server: string): string | null;
}

const LEAST_MS = 500;
const EACH_OLDER_MS = 300;
const EACH_MS = 100;
/** However many wait: a delay of an hour or more is taken for a clock that has jumped. */
const MOST_MS = 1_800_000;

/**
 * When a server has a free slot, the job that `next` gives is promoted at once. The delay is for jobs that other
 * workers can run, and for servers that get a new model or class. It grows with the number of jobs that wait, so that
 * up to 50,000 of them make 30 deliveries a second at most. Older jobs come back sooner, so that they roughly keep
 * their order.
 */
export function createDeferredJobs(random: () => number, now = () => performance.now()): DeferredJobs {
  const deferred = new Map<string, Deferred>();

  return {
    defer({ id, order, ticket }, waitsFor) {
      const at = now();
      const servers = waitsFor.join();
      let all = 0;
      let older = 0;
      for (const other of deferred) {
        if (other[1].untilMs <= at) deferred.delete(other[0]);
        else if (other[1].servers === servers) {
          all++;
          if (first(other, [id, { order }])) older++;
        }
      }
      const delayMs =
        Math.max(LEAST_MS, Math.min(older * EACH_OLDER_MS, all * EACH_MS, MOST_MS)) * (0.75 + random() / 2);
      deferred.set(id, { order, ticket, waitsFor, servers, untilMs: at + delayMs });
      return delayMs;
    },
    next(server) {
      const at = now();
      let next: [id: string, job: Deferred] | undefined;
      for (const each of deferred) {
        const { waitsFor, untilMs } = each[1];
        if (untilMs > at && waitsFor.includes(server) && (!next || first(each, next))) next = each;
      }
      if (!next) return null;
      deferred.delete(next[0]);
      return next[1].ticket;
    },
  };
}

interface Deferred {
  order: number;
  ticket: string;
  waitsFor: readonly string[];
  /** `waitsFor` as one text, to compare it. */
  servers: string;
  untilMs: number;
}

/** Ids are v7: they grow with time. */
function first([id, { order }]: Entry, [otherId, { order: other }]: Entry): boolean {
  return order < other || (order === other && id < otherId);
}

type Entry = [id: string, job: { order: number }];
