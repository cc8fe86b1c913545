import type { Job } from '../src/core/job.ts';

/** Jobs that no server of this worker can take now, put back until they are looked at again. */
export interface Parking {
  /** Puts the job back; gives the milliseconds until it is to be delivered again. `waitsFor`: the servers that can run it. */
  park(job: Pick<Job, 'id' | 'order'>, waitsFor: readonly string[]): number;
}

const LEAST_MS = 500;
const EACH_OLDER_MS = 200;
const EACH_MS = 40;

/**
 * Those that wait for the same servers are some 50 deliveries a second at most, whatever their number: each comes back after 40 ms
 * for each that is parked. Older ones come back sooner, so that jobs keep their order, more or less.
 */
export function createParking(random: () => number, now = () => performance.now()): Parking {
  const parked = new Map<string, { order: number; servers: string; untilMs: number }>();
  return {
    park({ id, order }, waitsFor) {
      const at = now();
      const servers = waitsFor.join();
      let all = 0;
      let older = 0;
      for (const [other, theirs] of parked) {
        if (theirs.untilMs <= at) parked.delete(other);
        else if (theirs.servers === servers) {
          all++;
          // Ids are v7: they grow with time.
          if (theirs.order < order || (theirs.order === order && other < id)) older++;
        }
      }
      const delayMs = Math.max(LEAST_MS, Math.min(older * EACH_OLDER_MS, all * EACH_MS)) * (0.75 + random() / 2);
      parked.set(id, { order, servers, untilMs: at + delayMs });
      return delayMs;
    },
  };
}
