import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createRedisBackendOperator } from '../../../src/backends/redis/redis-backends.ts';
import { promptIdOf } from '../../../worker/comfyui/prompt.ts';
import { startLackingComfyui } from '../../support/lacking-comfyui.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';
import { graph, inverted, startHarness } from './harness.ts';

let redis: TestRedis;
beforeAll(async () => {
  redis = await startTestRedis();
});
afterAll(() => redis.close());

/** So many simulators, of which `a` says that it has no ImageInvert, and a look at what workers have reported. */
async function setUp(names: string[]) {
  const harness = await startHarness(redis.url);
  const simulators = Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await harness.simulate()] as const)),
  );
  const lacking = await startLackingComfyui(at(simulators, 'a').port, ['ImageInvert']);
  const { stores } = harness;
  const operator = createRedisBackendOperator(stores.redis, stores.keys);
  return {
    harness,
    operator,
    simulators,
    a: at(simulators, 'a'),
    b: at(simulators, 'b'),
    urls: (...wanted: string[]) =>
      Object.fromEntries(wanted.map((name) => [name, name === 'a' ? lacking.url : at(simulators, name).url])),
    async reported(name: string, status: string) {
      await vi.waitFor(
        async () => {
          const seen = (await operator.backends()).find((each) => each.name === name);
          expect(seen).toMatchObject({ status, ...(status === 'UP' ? { catalogue: expect.any(String) } : {}) });
        },
        { timeout: 10_000 },
      );
    },
    async [Symbol.asyncDispose]() {
      await harness[Symbol.asyncDispose]();
      await lacking[Symbol.asyncDispose]();
    },
  };
}

function at<T>(all: { [name: string]: T }, name: string): T {
  const found = all[name];
  if (!found) throw new Error(`there is no ${name}`);
  return found;
}

describe('a job that only one server can run', () => {
  test('200 of them, while that one is busy, do not hold up those that another one can run', async () => {
    await using parts = await setUp(['a', 'b']);
    const { harness, a, b, urls, reported } = parts;
    b.faults.set({ hold: true });
    const only = await Promise.all(Array.from({ length: 200 }, () => harness.submit(inverted)));
    harness.work(urls('a', 'b'));
    await reported('a', 'UP');
    await vi.waitFor(() => expect(b.posts).toBe(2), 10_000);
    const others = await Promise.all(Array.from({ length: 4 }, () => harness.submit(graph)));
    for (const id of others) {
      expect(await harness.ended(id, 5_000)).toMatchObject({ status: 'SUCCEEDED', submission: { backend: 'a' } });
    }
    const waiting = (await Promise.all(only.map((id) => harness.job(id)))).filter(({ attempts }) => attempts === 0);
    expect(waiting).toHaveLength(198);
    expect(waiting.every(({ status, failures, seq }) => status === 'QUEUED' && failures === 0 && seq === 1)).toBe(true);
    b.faults.set({ hold: false });
    for (const id of only) {
      expect(await harness.ended(id, 60_000)).toMatchObject({ status: 'SUCCEEDED', attempts: 1, failures: 0 });
    }
    expect([a.posts, b.posts]).toEqual([4, 200]);
  }, 90_000);

  test('waits for a server that has not come yet, at no cost, and runs when it has', async () => {
    await using parts = await setUp(['a', 'b']);
    const { harness, a, b, urls, reported } = parts;
    harness.work(urls('a'), { timings: { settle: 60_000 } });
    await reported('a', 'UP');
    const only = await Promise.all(Array.from({ length: 50 }, () => harness.submit(inverted)));
    const others = await Promise.all(Array.from({ length: 4 }, () => harness.submit(graph)));
    for (const id of others) expect(await harness.ended(id, 5_000)).toMatchObject({ status: 'SUCCEEDED' });
    harness.work(urls('b'));
    for (const id of only) {
      expect(await harness.ended(id, 30_000)).toMatchObject({
        status: 'SUCCEEDED',
        attempts: 1,
        failures: 0,
        submission: { backend: 'b' },
      });
    }
    expect([a.posts, b.posts]).toEqual([4, 50]);
  }, 60_000);

  test('can be cancelled while it waits', async () => {
    await using parts = await setUp(['a', 'b']);
    const { harness, urls, reported } = parts;
    harness.work(urls('a'), { timings: { settle: 60_000 } });
    await reported('a', 'UP');
    const id = await harness.submit(inverted);
    expect(await harness.stores.gateway.requestCancel(id)).toMatchObject({ status: 'CANCELED' });
    await vi.waitFor(async () => {
      const { redis: connection, keys } = harness.stores;
      expect(await connection.exists(`${keys.queue}:tickets:${id}`)).toBe(0);
    }, 5_000);
  });
});

describe('a server that drains', () => {
  test('gets no new work, finishes what it has, and gets work again when it is put back', async () => {
    await using parts = await setUp(['a', 'b']);
    const { harness, operator, a, b, urls, reported } = parts;
    b.faults.set({ hold: true });
    harness.work(urls('a', 'b'));
    await Promise.all([reported('a', 'UP'), reported('b', 'UP')]);
    const running = await harness.submit(inverted);
    await vi.waitFor(() => expect(b.posts).toBe(1));
    await operator.drain('b');
    await reported('b', 'DRAINING');
    const waits = await harness.submit(inverted);
    for (let i = 0; i < 4; i++) await harness.ended(await harness.submit(graph));
    expect([a.posts, b.posts]).toEqual([4, 1]);
    b.faults.set({ hold: false });
    expect(await harness.ended(running)).toMatchObject({ status: 'SUCCEEDED', attempts: 1 });
    expect(await harness.job(waits)).toMatchObject({ status: 'QUEUED', attempts: 0 });
    await operator.resume('b');
    expect(await harness.ended(waits)).toMatchObject({ status: 'SUCCEEDED', submission: { backend: 'b' } });
  });

  test('still has its prompts found by the worker that comes after one that stopped', async () => {
    await using parts = await setUp(['a', 'b']);
    const { harness, operator, b, urls, reported } = parts;
    b.faults.set({ hold: true });
    const first = harness.work(urls('b'));
    const id = await harness.submit(inverted);
    await vi.waitFor(() => expect(b.started).toEqual([promptIdOf(id, 1)]));
    await operator.drain('b');
    await reported('b', 'DRAINING');
    await first.close();
    const later = await harness.submit(inverted);
    harness.work(urls('b'));
    await harness.until(id, ({ status, attempts }) => status === 'RUNNING' && attempts === 2);
    b.faults.set({ hold: false });
    expect(await harness.ended(id)).toMatchObject({ status: 'SUCCEEDED', failures: 0, submission: { number: 1 } });
    expect(await harness.job(later)).toMatchObject({ status: 'QUEUED', attempts: 0 });
    expect(b.posts).toBe(1);
  });
});

describe('a server that dies', () => {
  test.each(['one worker', 'two workers'])(
    'with %s and three servers: its jobs go elsewhere, at once and not back to it',
    async (workers) => {
      await using parts = await setUp(['a', 'b', 'c']);
      const { harness, simulators, urls, reported } = parts;
      const all = Object.values(simulators);
      for (const { faults } of all) faults.set({ hold: true });
      if (workers === 'two workers') {
        harness.work(urls('a', 'b'));
        harness.work(urls('c'));
      } else harness.work(urls('a', 'b', 'c'));
      for (const name of 'abc') await reported(name, 'UP');
      const ids = await Promise.all(Array.from({ length: 6 }, () => harness.submit(graph)));
      await vi.waitFor(() => expect(all.map(({ posts }) => posts)).toEqual([2, 2, 2]), 10_000);
      const dead = at(simulators, 'b');
      const theirs = ids.filter((id) => dead.promptIds.includes(promptIdOf(id, 1)));
      await dead.close();
      for (const { faults } of all) faults.set({ hold: false });
      for (const id of ids) {
        const job = await harness.ended(id, 10_000);
        expect(job).toMatchObject({ status: 'SUCCEEDED', submission: { number: theirs.includes(id) ? 2 : 1 } });
        expect(theirs.includes(id) && job.submission?.backend).not.toBe('b');
      }
      // The one that ran there counts a failure, the one that waited behind it does not.
      const failures = (await Promise.all(theirs.map((id) => harness.job(id)))).map((job) => job.failures);
      expect(failures.sort()).toEqual([0, 1]);
    },
    60_000,
  );

  test('before its end is noticed: the job that finds it gone goes elsewhere in the same attempt', async () => {
    await using parts = await setUp(['a', 'b']);
    const { harness, a, b, urls, reported } = parts;
    harness.work(urls('a', 'b'), { timings: { monitor: 60_000 } });
    await Promise.all([reported('a', 'UP'), reported('b', 'UP')]);
    a.faults.set({ hold: true });
    await harness.submit(graph);
    await vi.waitFor(() => expect(a.posts).toBe(1));
    await b.close();
    const id = await harness.submit(graph);
    await vi.waitFor(() => expect(a.posts).toBe(2));
    a.faults.set({ hold: false });
    const submission = { backend: 'a', number: 2 };
    expect(await harness.ended(id)).toMatchObject({ status: 'SUCCEEDED', attempts: 1, failures: 0, submission });
  });
});

const oom = { kind: 'oom', node: 'ImageInvert' } as const;

describe('a graph that is at fault', () => {
  test('out of memory ends after two prompts; others at its server succeed, and memory is freed', async () => {
    await using parts = await setUp(['a', 'b']);
    const { harness, b, reported } = parts;
    await using watched = await startLackingComfyui(b.port, []);
    b.faults.set({ nodeError: oom, hold: true });
    harness.work({ b: watched.url }, { breaker: { threshold: 1 } });
    await reported('b', 'UP');
    const hungry = await harness.submit(inverted);
    const others = await Promise.all(Array.from({ length: 6 }, () => harness.submit(graph)));
    await vi.waitFor(() => expect(b.posts).toBe(2));
    b.faults.set({ hold: false });
    expect(await harness.ended(hungry)).toMatchObject({
      status: 'FAILED',
      attempts: 1,
      error: { code: 'OUT_OF_MEMORY', classType: 'ImageInvert' },
    });
    for (const id of others) {
      expect(await harness.ended(id)).toMatchObject({ status: 'SUCCEEDED', attempts: 1, submission: { number: 1 } });
    }
    expect(watched.requests.filter((each) => each === 'POST /api/free')).toHaveLength(2);
    expect(b.promptIds.filter((id) => [1, 2, 3].map((n) => promptIdOf(hungry, n)).includes(id))).toHaveLength(2);
  });

  test('that ComfyUI fails on does not shut its server for others', async () => {
    await using parts = await setUp(['a', 'b']);
    const { harness, a, b, urls, reported } = parts;
    // Shut, it would stay so for the whole test.
    const openMs = { first: 3_600_000, most: 3_600_000 };
    harness.work(urls('b'), { breaker: { threshold: 1, openMs }, random: () => 0 });
    await reported('b', 'UP');
    b.faults.set({ refusePrompt: 500 });
    const poison = await harness.submit(graph);
    await harness.until(poison, ({ failures }) => failures > 0);
    b.faults.reset();
    const other = await harness.submit(graph);
    expect(await harness.ended(other)).toMatchObject({ status: 'SUCCEEDED' });
    expect(a.posts).toBe(0);
  });
});
