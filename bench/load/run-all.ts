import { setTimeout as delay } from 'node:timers/promises';
import * as z from 'zod';
import { pictureSchema } from './picture.ts';

/** The jobs that a driver has to run. */
export const jobsSchema = z.object({
  url: z.url(),
  jobs: z.int(),
  /** The number of jobs at a time. */
  atOnce: z.int(),
  /** The pause between two jobs of the same slot. */
  pauseMs: z.number(),
  picture: pictureSchema,
});

/** `latenciesMs`: the time of each job from its request to the downloaded result. */
export const jobsAnswerSchema = z.object({ perSecond: z.number(), latenciesMs: z.array(z.number()) });

type Plan = Pick<z.infer<typeof jobsSchema>, 'jobs' | 'atOnce' | 'pauseMs'>;

/** Runs the jobs of the plan, a fixed number at a time. */
export async function runAll(
  { jobs, atOnce, pauseMs }: Plan,
  runOne: () => Promise<void>,
): Promise<z.infer<typeof jobsAnswerSchema>> {
  const latenciesMs: number[] = [];
  const began = performance.now();
  let left = jobs;

  async function slot() {
    while (left-- > 0) {
      const start = performance.now();
      await runOne();
      latenciesMs.push(performance.now() - start);
      if (pauseMs > 0) await delay(pauseMs);
    }
  }
  await Promise.all(Array.from({ length: atOnce }, slot));
  return { perSecond: (jobs / (performance.now() - began)) * 1000, latenciesMs };
}
