import { expect, test } from 'vitest';
import { createRedisBackendReporter } from '../../../src/backends/redis/redis-backends.ts';
import { unknownBackend } from '../../support/backends.ts';
import { startTestRedis } from '../../support/redis.ts';
import { graph, startHarness } from './harness.ts';

/** See worker/prompt/earlier-prompt.ts: about a minute, at the worker's own pace. */
const MOST_PUT_BACKS = 12;

test('a job whose prompt is at another worker is put back twelve times at most, then runs here', async (context) => {
  const redis = await startTestRedis();
  context.onTestFinished(redis.close);
  await using harness = await startHarness(redis.url);
  const { stores } = harness;
  const elsewhere = await harness.simulate();
  const id = await harness.submit(graph);
  await stores.worker.pick(id);
  const claim = await stores.worker.claim(id);
  if (claim.outcome !== 'claimed') throw new Error(claim.outcome);
  const submission = { number: 1, backend: 'main', client: 'dead' };
  await stores.worker.move(id, claim.job.lease, { move: 'submit', submission });
  // It lives, and says so, and never takes the job.
  const other = createRedisBackendReporter(stores.durable, stores.keys);
  const report = () => other.report('the other worker', [{ ...unknownBackend, name: 'main', status: 'UP' }]);
  await report();
  const living = setInterval(() => void report().catch(() => undefined), 1_000);
  context.onTestFinished(() => clearInterval(living));

  harness.work({ elsewhere: elsewhere.url }, { timings: { putBack: 1 } });
  // The dead worker's claim, each that was put back, and the one that runs it.
  expect(await harness.ended(id)).toMatchObject({
    status: 'SUCCEEDED',
    attempts: 1 + MOST_PUT_BACKS + 1,
    failures: 0,
    takeovers: 1,
    submission: { number: 2, backend: 'elsewhere' },
  });
  expect(elsewhere.posts).toBe(1);
});
