import type { JobLimits } from '../../src/core/limits.ts';

/** Limits of a plan of which nothing is bounded but what is given. */
export function testLimits(limits: Partial<JobLimits> = {}): JobLimits {
  return {
    plan: 'test',
    weight: 1,
    requestsPerMinute: null,
    gpuSecondsPerMinute: null,
    gpuSecondsPerDay: null,
    jobsPerDay: null,
    queued: null,
    running: null,
    megapixels: null,
    ...limits,
  };
}
