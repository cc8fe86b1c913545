import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { NodeTimesStore } from '../../../src/backends/node-times.ts';
import { graphSchema } from '../../../src/core/graph.ts';
import type { NodeTiming } from '../../../src/core/job.ts';
import { createNodeTimes } from '../../../worker/progress/node-times.ts';
import { silent } from '../../support/gateway-store.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const graph = graphSchema.parse({
  load: { class_type: 'Checkpoint', inputs: {} },
  sample: { class_type: 'KSampler', inputs: { steps: 20 } },
  linked: { class_type: 'KSampler', inputs: { steps: ['load', 0] } },
});
const { load, sample, linked } = graph;
if (!load || !sample || !linked) throw new Error('a graph of three');
const longer = { ...sample, inputs: { steps: 40 } };

const took = (nodeId: string, ms: number, cached = false): NodeTiming => ({ nodeId, classType: '', ms, cached });

async function start(shared = new Map<string, number>()) {
  const writes: Map<string, number>[] = [];
  const store: NodeTimesStore = {
    read: async () => new Map(shared),
    async write(times, dropped) {
      writes.push(new Map(times));
      for (const name of dropped) shared.delete(name);
      for (const [name, ms] of times) shared.set(name, ms);
    },
  };
  const times = createNodeTimes({ store, log: silent });
  await vi.advanceTimersByTimeAsync(0);
  return { times, writes, shared };
}

test('nothing is known at first, then times by server and class, and by step where steps count', async () => {
  const { times } = await start();
  expect(times.expected('a', sample)).toBeNull();
  times.learn('a', graph, [took('load', 100), took('sample', 2_000)]);
  expect([load, sample, longer, linked].map((node) => times.expected('a', node))).toEqual([100, 2_000, 4_000, null]);
  expect(times.expected('b', load)).toBeNull();
});

test('the newest counts for three tenths, and what was cached for nothing', async () => {
  const { times } = await start();
  times.learn('a', graph, [took('load', 100)]);
  times.learn('a', graph, [took('load', 0, true)]);
  times.learn('a', graph, [took('load', 200)]);
  expect(times.expected('a', load)).toBe(130);
});

test('many jobs make one write, and a new worker knows what was learned', async () => {
  const { times, writes, shared } = await start();
  for (let i = 0; i < 10; i++) times.learn('a', graph, [took('load', 100)]);
  await vi.advanceTimersByTimeAsync(1_000);
  const written = { 'a/Checkpoint': 100, 'a/Checkpoint/cost/0': 100 };
  expect(writes).toEqual([new Map(Object.entries(written))]);
  const fresh = await start(shared);
  expect(fresh.times.expected('a', load)).toBe(100);
  times.learn('a', graph, [took('sample', 20)]);
  await times.close();
  expect(writes).toHaveLength(2);
});

test('what others learned is read anew, but not over what is not written yet', async () => {
  const { times, shared } = await start(new Map([['a/Checkpoint', 50]]));
  times.learn('a', graph, [took('sample', 20)]);
  await times.close();
  shared.set('a/Checkpoint', 500).set('a/KSampler/step', 7);
  await vi.advanceTimersByTimeAsync(60_000);
  times.learn('a', graph, [took('sample', 20)]);
  expect(times.expected('a', load)).toBe(50);
  await vi.advanceTimersByTimeAsync(0);
  expect([load, sample].map((node) => times.expected('a', node))).toEqual([500, 20]);
});

test('the number of times is bounded: those go that were used longest ago', async () => {
  const full = new Map([['a/Checkpoint', 70], ...Array.from({ length: 9_999 }, (_, i) => [`b/${i}`, 1] as const)]);
  const { times, shared } = await start(full);
  times.learn('a', graph, [took('load', 70), took('sample', 20)]);
  await times.close();
  expect(shared.size).toBe(10_000);
  expect(times.expected('a', load)).toBe(70);
  expect(times.expected('a', sample)).toBe(20);
  expect([shared.has('b/0'), shared.has('b/9998')]).toEqual([false, true]);
});

test('long names are left out', async () => {
  const { times, writes } = await start();
  times.learn('a', graphSchema.parse({ x: { class_type: 'x'.repeat(300), inputs: {} } }), [took('x', 1)]);
  await times.close();
  expect(writes).toEqual([]);
});

test('a Redis that is away is no matter', async () => {
  const away = () => Promise.reject(new Error('away'));
  const times = createNodeTimes({ store: { read: away, write: away }, log: silent });
  times.learn('a', graph, [took('load', 100)]);
  await times.close();
  expect(times.expected('a', load)).toBe(100);
});
