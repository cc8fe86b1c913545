import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Simulator } from '../../../src/simulator/simulator.ts';
import { promptIdOf } from '../../../worker/comfyui/prompt.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';
import { graph, startHarness } from './harness.ts';

let redis: TestRedis;
beforeAll(async () => {
  redis = await startTestRedis();
});
afterAll(() => redis.close());

async function setUp() {
  const harness = await startHarness(redis.url);
  const simulator = await harness.simulate();
  return { harness, simulator, [Symbol.asyncDispose]: () => harness[Symbol.asyncDispose]() };
}

/** What the button of ComfyUI's page does, once that prompt runs. */
async function interrupt(simulator: Simulator, promptId: string) {
  await vi.waitFor(() => expect(simulator.started.at(-1)).toBe(promptId));
  await fetch(`${simulator.url}/interrupt`, { method: 'POST' });
}

const ended = {
  status: 'FAILED',
  failures: 0,
  error: {
    code: 'INTERRUPTED',
    message: expect.stringMatching(/^SaveImage \(node 9\): /),
    nodeId: '9',
    classType: 'SaveImage',
    retryable: true,
  },
};

describe('B11 a run that is stopped', { timeout: 60_000 }, () => {
  test('by a node is tried once more, then the job FAILED as INTERRUPTED, and names the node', async () => {
    await using parts = await setUp();
    const { harness, simulator } = parts;
    simulator.faults.set({ nodeError: { kind: 'interrupt', node: 'SaveImage' } });
    harness.work({ main: simulator.url });
    const id = await harness.submit(graph);
    expect(await harness.ended(id)).toMatchObject({ ...ended, attempts: 1 });
    expect(simulator.promptIds).toEqual([promptIdOf(id, 1), promptIdOf(id, 2)]);
    // It is not held against the server.
    simulator.faults.reset();
    expect(await harness.ended(await harness.submit(graph))).toMatchObject({ status: 'SUCCEEDED', attempts: 1 });
  });

  test('by a node once succeeds with the next prompt', async () => {
    await using parts = await setUp();
    const { harness, simulator } = parts;
    simulator.faults.set({ nodeError: { kind: 'interrupt', times: 1 } });
    harness.work({ main: simulator.url });
    const id = await harness.submit(graph);
    expect(await harness.ended(id)).toMatchObject({ status: 'SUCCEEDED', attempts: 1, submission: { number: 2 } });
  });

  test('by somebody at ComfyUI, twice, ends as INTERRUPTED, too', async () => {
    await using parts = await setUp();
    const { harness, simulator } = parts;
    simulator.faults.set({ holdAt: 'SaveImage' });
    harness.work({ main: simulator.url });
    const id = await harness.submit(graph);
    for (const number of [1, 2]) await interrupt(simulator, promptIdOf(id, number));
    expect(await harness.ended(id)).toMatchObject({ ...ended, attempts: 1 });
    expect(simulator.posts).toBe(2);
  });

  test('again while nobody follows it gets no third try from the worker that takes the job over', async () => {
    await using parts = await setUp();
    const { harness, simulator } = parts;
    simulator.faults.set({ holdAt: 'SaveImage' });
    const first = harness.work({ main: simulator.url });
    const id = await harness.submit(graph);
    await interrupt(simulator, promptIdOf(id, 1));
    await vi.waitFor(() => expect(simulator.started).toHaveLength(2));
    await first.close();
    await interrupt(simulator, promptIdOf(id, 2));
    harness.work({ main: simulator.url });
    expect(await harness.ended(id)).toMatchObject({ ...ended, attempts: 2 });
    expect(simulator.posts).toBe(2);
  });

  test('because its job was cancelled is CANCELED', async () => {
    await using parts = await setUp();
    const { harness, simulator } = parts;
    simulator.faults.set({ holdAt: 'SaveImage' });
    harness.work({ main: simulator.url });
    const id = await harness.submit(graph);
    await vi.waitFor(() => expect(simulator.started).toHaveLength(1));
    await harness.stores.gateway.requestCancel(id);
    expect(await harness.ended(id)).toMatchObject({ status: 'CANCELED', error: null });
    expect(simulator.posts).toBe(1);
  });
});
