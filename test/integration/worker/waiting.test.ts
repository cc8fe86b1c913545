import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createTransition } from '../../../src/job-record/redis/transition.ts';
import type { Simulator } from '../../../src/simulator/simulator.ts';
import { promptIdOf } from '../../../worker/comfyui/prompt.ts';
import { startComfyuiProxy } from '../../support/comfyui-proxy.ts';
import { startLackingComfyui } from '../../support/lacking-comfyui.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';
import { graph, inverted, startHarness } from './harness.ts';

let redis: TestRedis;
beforeAll(async () => {
  redis = await startTestRedis();
});
afterAll(() => redis.close());

/** Somebody else's prompt, which runs until it is interrupted or the server is let go. */
async function occupy(simulator: Simulator): Promise<string> {
  simulator.faults.set({ hold: true });
  const answer = await fetch(`${simulator.url}/prompt`, {
    method: 'POST',
    body: JSON.stringify({ prompt: graph, client_id: 'somebody' }),
  });
  const { prompt_id }: { prompt_id: string } = await answer.json();
  await vi.waitFor(() => expect(simulator.started).toEqual([prompt_id]));
  return prompt_id;
}

/** A server that somebody else uses, and one beside it; `requests` are those of our worker to the first. */
async function setUp() {
  const harness = await startHarness(redis.url);
  const shared = await harness.simulate();
  const other = await harness.simulate();
  const proxy = await startLackingComfyui(shared.port, []);
  const others = await occupy(shared);
  return {
    harness,
    shared,
    other,
    proxy,
    others,
    looksAt: (promptId: string) => proxy.requests.filter((each) => each === `GET /api/jobs/${promptId}`).length,
    queue: async () => {
      const answer = await (await fetch(`${shared.url}/queue`)).json();
      const ids = (items: [number, string][]) => items.map(([, id]) => id);
      return { running: ids(answer.queue_running), pending: ids(answer.queue_pending) };
    },
    async [Symbol.asyncDispose]() {
      await harness[Symbol.asyncDispose]();
      await proxy[Symbol.asyncDispose]();
    },
  };
}

const JOB_TIMEOUT_MS = 1_500;
const POLL_MS = 100;

/** The prompt has been found waiting, again and again, for twice the time that an attempt may run. */
async function waitsLong({ looksAt }: { looksAt(promptId: string): number }, promptId: string) {
  await vi.waitFor(() => expect(looksAt(promptId)).toBeGreaterThan(0), 30_000);
  const since = performance.now();
  await vi.waitFor(() => expect(performance.now() - since).toBeGreaterThan(2 * JOB_TIMEOUT_MS), 10_000);
  expect(looksAt(promptId)).toBeGreaterThan(2);
}

describe('B09 a prompt that waits behind others', { timeout: 60_000 }, () => {
  test.each([
    ['', {}],
    [', though no message says so', { socketSilent: true }],
  ])('is told from one that has begun%s', async (_, faults) => {
    await using parts = await setUp();
    const { harness, shared, proxy } = parts;
    shared.faults.set(faults);
    harness.work({ shared: proxy.url }, { timings: { poll: POLL_MS } });
    const id = await harness.submit(inverted);
    await vi.waitFor(async () => expect((await parts.queue()).pending).toEqual([promptIdOf(id, 1)]), 30_000);
    expect(await harness.job(id)).toMatchObject({ status: 'RUNNING', waits: true, progress: { node: null } });
    // The others' prompt has no such node.
    shared.faults.set({ hold: false, holdAt: 'ImageInvert' });
    await harness.until(id, ({ waits }) => !waits, 30_000);
    expect((await parts.queue()).running).toEqual([promptIdOf(id, 1)]);
    shared.faults.set({ holdAt: null });
    expect(await harness.ended(id)).toMatchObject({ status: 'SUCCEEDED', attempts: 1 });
  });

  test.each([
    ['', {}],
    [', told by no message', { socketSilent: true }],
  ])('for longer than an attempt may run, runs when its turn comes%s', async (_, faults) => {
    await using parts = await setUp();
    const { harness, shared, proxy } = parts;
    shared.faults.set(faults);
    harness.work({ shared: proxy.url }, { jobTimeoutMs: JOB_TIMEOUT_MS, timings: { poll: POLL_MS } });
    const id = await harness.submit(graph);
    await waitsLong(parts, promptIdOf(id, 1));
    expect(await harness.job(id)).toMatchObject({ status: 'RUNNING', progress: { fraction: 0 } });
    shared.faults.set({ hold: false });
    expect(await harness.ended(id)).toMatchObject({ status: 'SUCCEEDED', attempts: 1, failures: 0 });
    expect(shared.promptIds.slice(1)).toEqual([promptIdOf(id, 1)]);
  });

  test.each([
    ['', {}],
    [', told by no message', { socketSilent: true }],
  ])('and then runs for longer than an attempt may, is TIMEOUT, counted from its start%s', async (_, faults) => {
    await using parts = await setUp();
    const { harness, shared, proxy, others } = parts;
    shared.faults.set(faults);
    harness.work({ shared: proxy.url }, { jobTimeoutMs: JOB_TIMEOUT_MS, timings: { poll: POLL_MS } });
    const id = await harness.submit(graph);
    await waitsLong(parts, promptIdOf(id, 1));
    const before = performance.now();
    await fetch(`${shared.url}/interrupt`, { method: 'POST', body: JSON.stringify({ prompt_id: others }) });
    await vi.waitFor(() => expect(shared.started).toEqual([others, promptIdOf(id, 1)]));
    expect(await harness.ended(id)).toMatchObject({ status: 'FAILED', attempts: 1, error: { code: 'TIMEOUT' } });
    expect(performance.now() - before).toBeGreaterThan(JOB_TIMEOUT_MS - 2 * POLL_MS);
    await vi.waitFor(async () => expect(await parts.queue()).toEqual({ running: [], pending: [] }));
  });

  test('or is long in coming to its server: that does not count either', async () => {
    await using harness = await startHarness(redis.url);
    const simulator = await harness.simulate();
    await using proxy = await startLackingComfyui(simulator.port, []);
    const passed = async (ms: number) => {
      const since = performance.now();
      await vi.waitFor(() => expect(performance.now() - since).toBeGreaterThan(ms), 10_000);
    };
    proxy.gate.before = async (request) => {
      if (request === 'POST /api/prompt') await passed(2_000);
    };
    simulator.faults.set({ hold: true });
    harness.work({ main: proxy.url }, { jobTimeoutMs: 3_000 });
    const id = await harness.submit(graph);
    await vi.waitFor(() => expect(simulator.started).toHaveLength(1), 10_000);
    await passed(1_800);
    simulator.faults.set({ hold: false });
    expect(await harness.ended(id)).toMatchObject({ status: 'SUCCEEDED', attempts: 1 });
  });

  test('and then begins again and again, as its server says, is TIMEOUT all the same', async () => {
    await using harness = await startHarness(redis.url);
    const simulator = await harness.simulate();
    await using proxy = await startComfyuiProxy(simulator.port);
    simulator.faults.set({ hold: true });
    harness.work({ liar: proxy.url }, { jobTimeoutMs: JOB_TIMEOUT_MS });
    const id = await harness.submit(graph);
    const promptId = promptIdOf(id, 1);
    await vi.waitFor(() => expect(simulator.started).toEqual([promptId]));
    const begins = JSON.stringify({ type: 'execution_start', data: { prompt_id: promptId } });
    const telling = setInterval(() => proxy.tell(begins), 50);
    const ended = await harness.ended(id, 4 * JOB_TIMEOUT_MS).finally(() => clearInterval(telling));
    expect(ended).toMatchObject({ status: 'FAILED', attempts: 1, error: { code: 'TIMEOUT' } });
  });

  test('is ended by the deadline, and taken out of the queue', async () => {
    await using parts = await setUp();
    const { harness, shared, proxy, others } = parts;
    harness.work({ shared: proxy.url }, { jobTimeoutMs: JOB_TIMEOUT_MS });
    const id = await harness.submit(graph);
    await vi.waitFor(() => expect(shared.posts).toBe(2));
    const { redis: connection, keys } = harness.stores;
    await createTransition(connection, keys, 60_000)({ id, move: 'expire' });
    await vi.waitFor(async () => expect(await parts.queue()).toEqual({ running: [others], pending: [] }));
  });

  test('is moved to another server that has nothing to do, and runs there alone', async () => {
    await using parts = await setUp();
    const { harness, shared, other, proxy, others, looksAt } = parts;
    other.faults.set({ httpStatus: 503 });
    harness.work({ shared: proxy.url, other: other.url }, { timings: { poll: POLL_MS, idle: 300 } });
    const id = await harness.submit(graph);
    await vi.waitFor(() => expect(looksAt(promptIdOf(id, 1))).toBeGreaterThan(3));
    other.faults.reset();
    expect(await harness.ended(id)).toMatchObject({
      status: 'SUCCEEDED',
      attempts: 1,
      failures: 0,
      submission: { number: 2, backend: 'other' },
    });
    expect(await parts.queue()).toEqual({ running: [others], pending: [] });
    shared.faults.set({ hold: false });
    await vi.waitFor(async () => expect(await parts.queue()).toEqual({ running: [], pending: [] }));
    expect([...shared.started, ...other.started]).toEqual([others, promptIdOf(id, 2)]);
  });

  test('and begins while it is being taken out, stays where it is', async () => {
    await using parts = await setUp();
    const { harness, shared, other, proxy, others } = parts;
    const asked = Promise.withResolvers<void>();
    const letGo = Promise.withResolvers<void>();
    proxy.gate.before = async (request) => {
      if (request !== 'POST /api/queue') return;
      asked.resolve();
      await letGo.promise;
    };
    other.faults.set({ httpStatus: 503 });
    harness.work({ shared: proxy.url, other: other.url }, { timings: { poll: POLL_MS, idle: 0 } });
    const id = await harness.submit(graph);
    await vi.waitFor(() => expect(shared.posts).toBe(2));
    other.faults.reset();
    await asked.promise;
    await fetch(`${shared.url}/interrupt`, { method: 'POST', body: JSON.stringify({ prompt_id: others }) });
    await vi.waitFor(() => expect(shared.started).toEqual([others, promptIdOf(id, 1)]));
    letGo.resolve();
    shared.faults.set({ hold: false });
    expect(await harness.ended(id)).toMatchObject({
      status: 'SUCCEEDED',
      submission: { number: 1, backend: 'shared' },
    });
    expect([shared.posts, other.posts]).toEqual([2, 0]);
    // The slot that was held for it there is free again.
    const next = await harness.submit(graph);
    expect(await harness.ended(next)).toMatchObject({ status: 'SUCCEEDED' });
  });

  test('is left alone by a worker whose lease is another’s', async () => {
    await using parts = await setUp();
    const { harness, other, proxy, others, looksAt } = parts;
    other.faults.set({ httpStatus: 503 });
    const lease = vi.fn(harness.stores.worker.lease);
    const timings = { poll: POLL_MS, idle: 0, lease: 60_000 };
    const store = { ...harness.stores.worker, lease };
    harness.work({ shared: proxy.url, other: other.url }, { store, timings });
    const id = await harness.submit(graph);
    const promptId = promptIdOf(id, 1);
    await vi.waitFor(() => expect(looksAt(promptId)).toBeGreaterThan(1));
    await harness.stores.worker.claim(id);
    expect(lease).toHaveBeenCalledTimes(1);
    other.faults.reset();
    await vi.waitFor(() => expect(lease).toHaveBeenCalledTimes(2), 10_000);
    expect(await lease.mock.results[1]?.value).toEqual({ state: 'lost' });
    // It takes work again: its slot is given back.
    expect(await harness.ended(await harness.submit(graph))).toMatchObject({ submission: { backend: 'other' } });
    expect(await parts.queue()).toEqual({ running: [others], pending: [promptId] });
    expect(proxy.requests).not.toContain('POST /api/queue');
  });

  test('stays where it is while the other server is only between two jobs', async () => {
    await using parts = await setUp();
    const { harness, shared, other, proxy, looksAt } = parts;
    other.faults.set({ httpStatus: 503 });
    harness.work({ shared: proxy.url, other: other.url }, { timings: { poll: POLL_MS, idle: 60_000 } });
    const id = await harness.submit(graph);
    await vi.waitFor(() => expect(shared.posts).toBe(2));
    other.faults.reset();
    const { redis: connection, keys } = harness.stores;
    await vi.waitFor(async () => expect(await connection.hget(keys.backend('other'), 'report')).toContain('"UP"'));
    const looks = looksAt(promptIdOf(id, 1));
    await vi.waitFor(() => expect(looksAt(promptIdOf(id, 1))).toBeGreaterThan(looks + 5));
    shared.faults.set({ hold: false });
    expect(await harness.ended(id)).toMatchObject({ status: 'SUCCEEDED', submission: { number: 1 } });
    expect(other.posts).toBe(0);
  });
});
