import type { Redis } from 'ioredis';
import * as z from 'zod';
import type { Keys } from '../../src/redis/keys.ts';
import { loadScript } from '../../src/redis/scripts.ts';

const count = z.int().min(0);

const callerSchema = z.object({
  /** GPU milliseconds. */
  reserved: count,
  /** By its indexes. */
  queued: count,
  running: count,
  /** In its list of fair share, whose jobs no ticket has. */
  listed: count,
  /** With a worker that has not claimed them yet. */
  taken: count,
  /** By the records of its jobs that have not ended: those without a ticket wait, those that nobody claimed are new. */
  open: z.object({ gpuMs: count, queued: count, running: count, waits: count, new: count }),
});

const countsSchema = z.object({
  callers: z.record(z.string(), callerSchema),
  waiting: count,
  queued: count,
});

const script = loadScript(new URL('./caller-counts.lua', import.meta.url));

/**
 * The counts that Redis keeps of callers beside what the records of their jobs say. They are read in one step, between
 * the steps of the product, so they must always agree.
 */
export async function callerCounts(redis: Redis, keys: Keys) {
  return countsSchema.parse(JSON.parse(String(await script(redis, [], [keys.tag]))));
}

/** I7: where something is reserved or counted that is not open, or the other way round. */
export function disagreements({ callers, waiting, queued }: Awaited<ReturnType<typeof callerCounts>>): string[] {
  const wrong = Object.entries(callers).flatMap(([name, { open, reserved, queued, running, listed }]) => {
    const pairs = { reserved: [reserved, open.gpuMs], queued: [queued, open.queued], running: [running, open.running] };
    return Object.entries({ ...pairs, listed: [listed, open.waits] }).flatMap(([what, [is, expected]]) =>
      is === expected ? [] : [`${name}: ${what} is ${is}, by the records ${expected}`],
    );
  });
  return queued === waiting ? wrong : [...wrong, `fair:queued is ${queued}, and ${waiting} wait`];
}
