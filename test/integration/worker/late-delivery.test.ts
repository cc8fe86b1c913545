import { expect, test, vi } from 'vitest';
import { createBullQueue } from '../../../src/queue/bullmq/bullmq.ts';
import { silent } from '../../support/gateway-store.ts';
import { startLackingComfyui } from '../../support/lacking-comfyui.ts';
import { startTestRedis } from '../../support/redis.ts';
import { graph, startHarness } from './harness.ts';

test('a delivery of a job that has succeeded is dropped, and asks nothing of its server', async (context) => {
  const redis = await startTestRedis();
  context.onTestFinished(redis.close);
  await using harness = await startHarness(redis.url);
  const simulator = await harness.simulate();
  await using comfyui = await startLackingComfyui(simulator.port, []);
  harness.work({ main: comfyui.url });
  const id = await harness.submit(graph);
  const ended = await harness.ended(id);
  expect(ended).toMatchObject({ status: 'SUCCEEDED' });
  const queue = createBullQueue(harness.stores.redis, harness.stores.keys, silent);
  context.onTestFinished(() => queue.close());
  const isDelivered = () => vi.waitFor(async () => expect(await queue.missing([id])).toEqual([id]));
  await isDelivered();
  // Its history goes behind its success.
  await vi.waitFor(() => expect(comfyui.requests).toContain('POST /api/history'));
  const asked = () => comfyui.requests.filter((each) => each.startsWith('POST') || each.includes(id)).length;
  const before = asked();
  await queue.add(id);
  await isDelivered();
  expect(asked()).toBe(before);
  expect(simulator.interrupts).toBe(0);
  expect(await harness.job(id)).toEqual(ended);
});
