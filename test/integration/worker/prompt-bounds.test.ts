import { expect, test } from 'vitest';
import { promptIdOf } from '../../../worker/comfyui/prompt.ts';
import { startTestRedis } from '../../support/redis.ts';
import { graph, startHarness } from './harness.ts';

test('an attempt submits two prompts at most, and fails when both are gone without a trace', async (context) => {
  const redis = await startTestRedis();
  context.onTestFinished(redis.close);
  await using harness = await startHarness(redis.url);
  const simulator = await harness.simulate();
  simulator.faults.set({ clearHistory: 2 });
  harness.work({ main: simulator.url }, { random: () => 0 });
  const id = await harness.submit(graph);
  await harness.until(id, ({ failures }) => failures === 1);
  expect(await harness.job(id)).toMatchObject({ attempts: 1 });
  expect(simulator.promptIds).toEqual([promptIdOf(id, 1), promptIdOf(id, 2)]);
  expect(await harness.ended(id)).toMatchObject({ status: 'SUCCEEDED', attempts: 2, submission: { number: 3 } });
});
