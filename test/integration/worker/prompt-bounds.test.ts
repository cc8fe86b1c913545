import { expect, test, vi } from 'vitest';
import { promptIdOf } from '../../../worker/comfyui/prompt.ts';
import { startTestRedis } from '../../support/redis.ts';
import { graph, startHarness } from './harness.ts';

test('an attempt submits at most two prompts: when both are interrupted it has failed', async (context) => {
  const redis = await startTestRedis();
  context.onTestFinished(redis.close);
  await using harness = await startHarness(redis.url);
  const simulator = await harness.simulate();
  simulator.faults.set({ hold: true });
  harness.work({ main: simulator.url }, { random: () => 0 });
  const id = await harness.submit(graph);
  for (const prompts of [1, 2]) {
    await vi.waitFor(() => expect(simulator.started).toHaveLength(prompts));
    expect(await harness.job(id)).toMatchObject({ attempts: 1, failures: 0 });
    await fetch(`${simulator.url}/interrupt`, { method: 'POST' });
  }
  await harness.until(id, ({ failures }) => failures === 1);
  expect(simulator.promptIds).toEqual([promptIdOf(id, 1), promptIdOf(id, 2)]);
  simulator.faults.set({ hold: false });
  expect(await harness.ended(id)).toMatchObject({ status: 'SUCCEEDED', attempts: 2, submission: { number: 3 } });
});
