import { expect, test } from 'vitest';
import type { WorkerJobStore } from '../../../src/job-record/job-store.ts';
import { startTestRedis } from '../../support/redis.ts';
import { graph, startHarness } from './harness.ts';

test('a job is delivered again when the command that put it back was resent after a lost answer', async (context) => {
  const redis = await startTestRedis();
  context.onTestFinished(redis.close);
  await using harness = await startHarness(redis.url);
  const simulator = await harness.simulate();
  simulator.faults.set({ refusePrompt: 500 });
  const { worker } = harness.stores;
  let putBack = 0;
  const move: WorkerJobStore['move'] = async (id, lease, change) => {
    const moved = await worker.move(id, lease, change);
    if (change.move !== 'retry') return moved;
    putBack++;
    simulator.faults.reset();
    // As ioredis does it behind a reconnect: the record has the change already, and refuses it.
    return await worker.move(id, lease, change);
  };
  harness.work({ main: simulator.url }, { store: { ...worker, move }, random: () => 0, timings: { lookUp: 0 } });
  const id = await harness.submit(graph);
  expect(await harness.ended(id)).toMatchObject({ status: 'SUCCEEDED', attempts: 2, failures: 1 });
  expect(putBack).toBe(1);
});
