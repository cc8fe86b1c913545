import type { Job } from '../src/core/job.ts';

/** Jobs that no server of this worker can take now, put back until they are looked at again. */
export interface Parking {
  /** Puts the job back; gives the milliseconds until it is to be delivered again. */
  park(job: Pick<Job, 'id' | 'order'>): number;
}

const FIRST_MS = 500;
const EACH_MS = 100;

/**
 * The first few are looked at every half second, each further one a tenth of a second later: a thousand of them are some 60
 * deliveries a second, of which the older jobs have the larger part, so that they keep their order, more or less.
 */
export function createParking(random: () => number, now = () => performance.now()): Parking {
  const parked = new Map<string, { order: number; untilMs: number }>();
  return {
    park({ id, order }) {
      const at = now();
      let before = 0;
      for (const [other, { order: theirs, untilMs }] of parked) {
        if (untilMs <= at) parked.delete(other);
        // Ids are v7: they grow with time.
        else if (theirs < order || (theirs === order && other < id)) before++;
      }
      const delayMs = Math.max(FIRST_MS, before * EACH_MS) * (0.75 + random() / 2);
      parked.set(id, { order, untilMs: at + delayMs });
      return delayMs;
    },
  };
}
