import { afterAll, beforeAll, expect, it } from 'vitest';
import { throttledWarning } from '../../../src/observability/throttled.ts';
import { beginAttempt } from '../../../worker/attempt/attempt.ts';
import { createAttemptState } from '../../../worker/attempt/attempt-state.ts';
import { defaultTimings } from '../../../worker/timings.ts';
import { newJob, openStores, silent } from '../../support/gateway-store.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';

let server: TestRedis;
beforeAll(async () => {
  server = await startTestRedis();
});
afterAll(() => server.close());

it('a lease is not trusted for having been looked at, where nothing was written under it for long', async (test) => {
  const { gateway, worker: store, redis, keys, close } = await openStores(server.url);
  test.onTestFinished(close);
  const accepted = await gateway.accept(newJob());
  if (accepted.outcome !== 'created') throw new Error(accepted.outcome);
  const claimed = await store.claim(accepted.job.id);
  if (claimed.outcome !== 'claimed') throw new Error(claimed.outcome);
  const { job } = claimed;
  // So that it is seen when the first look is over.
  await redis.set(keys.previewed(job.id), '1');
  const never = new AbortController().signal;
  // As of a worker that has stood still since its claim.
  const claimedAt = performance.now() - 12_000;
  using attempt = beginAttempt(
    {
      ...{ job, claimedAt, submitted: false, state: createAttemptState(null), apiKey: null, log: silent },
      ...{ delivery: never, handover: never },
    },
    {
      ...{ store, timings: { ...defaultTimings, lease: 60_000 }, jobTimeoutMs: 60_000 },
      unconfirmed: throttledWarning(silent, 'not looked at'),
    },
  );
  await expect.poll(() => attempt.previewed).toBe(true);
  expect(await store.claim(job.id)).toMatchObject({ outcome: 'claimed' });
  await expect(attempt.confirm(defaultTimings.leaseFresh)).rejects.toThrow('stopped: lost');
});
