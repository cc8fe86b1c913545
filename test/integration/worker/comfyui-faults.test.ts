import { createServer } from 'node:net';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { startSimulator } from '../../../src/simulator/simulator.ts';
import { promptIdOf } from '../../../worker/comfyui/prompt.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';
import { graph, startHarness } from './harness.ts';

let redis: TestRedis;
beforeAll(async () => {
  redis = await startTestRedis();
});
afterAll(() => redis.close());

async function setUp(options: { speed?: number } = {}) {
  const harness = await startHarness(redis.url);
  const simulator = await harness.simulate(options);
  return { harness, simulator, [Symbol.asyncDispose]: () => harness[Symbol.asyncDispose]() };
}

describe('C15 a POST without a clear answer', () => {
  test.each(['dropPromptAnswer', 'failPromptAnswer'] as const)(
    '%s: the prompt is found, not posted again',
    async (fault) => {
      await using parts = await setUp();
      const { harness, simulator } = parts;
      simulator.faults.set({ [fault]: 1 });
      harness.work({ main: simulator.url });
      const id = await harness.submit(graph);
      expect(await harness.ended(id)).toMatchObject({ status: 'SUCCEEDED', attempts: 1 });
      expect(simulator.promptIds).toEqual([promptIdOf(id, 1)]);
    },
  );

  test('and without a trace of the prompt: the next one is posted under another id', async () => {
    await using parts = await setUp();
    const { harness, simulator } = parts;
    simulator.faults.set({ refusePrompt: 500 });
    const lines: string[] = [];
    const write = (line: string) => {
      lines.push(line);
      // At once: the next try may be over before anybody has looked.
      if (line.includes('prompt not answered')) simulator.faults.reset();
    };
    harness.work({ main: simulator.url }, { log: pino({ level: 'debug' }, { write }) });
    const id = await harness.submit(graph);
    expect(await harness.ended(id)).toMatchObject({ status: 'SUCCEEDED', submission: { number: 2 } });
    expect(simulator.promptIds).toEqual([promptIdOf(id, 2)]);
    expect(lines.join('')).not.toMatch(/127\.0\.0\.1|class_type/);
  });

  test('again and again: COMFYUI_UNAVAILABLE after JOB_ATTEMPTS', async () => {
    await using parts = await setUp();
    const { harness, simulator } = parts;
    simulator.faults.set({ refusePrompt: 500 });
    harness.work({ main: simulator.url }, { breaker: { threshold: 99 }, timings: { lookUp: 0 } });
    const job = await harness.ended(await harness.submit(graph));
    expect(job).toMatchObject({
      status: 'FAILED',
      attempts: 2,
      error: { code: 'COMFYUI_UNAVAILABLE', retryable: true, nodeId: null },
    });
  });
});

describe('C17 messages', () => {
  test.each([
    ['that say nothing of the end', { loseFinalMessages: true }],
    ['that never come', { socketSilent: true }],
    ['that come late', { messageDelayMs: 2_000 }],
    ['whose socket is refused', { refuseSocket: 503 }],
    ['of other prompts and unknown types', { foreignMessages: true }],
  ])('%s: the job ends well', async (_, faults) => {
    await using parts = await setUp();
    const { harness, simulator } = parts;
    simulator.faults.set(faults);
    harness.work({ main: simulator.url });
    const ended = await harness.ended(await harness.submit(graph), 5_000);
    expect(ended).toMatchObject({ status: 'SUCCEEDED', attempts: 1, submission: { number: 1 } });
    expect(simulator.posts).toBe(1);
  });

  test('a socket that broke is opened again and tells of what runs', async () => {
    await using parts = await setUp({ speed: 2 });
    const { harness, simulator } = parts;
    simulator.faults.set({ hold: true });
    harness.work({ main: simulator.url }, { timings: { poll: 60_000 } });
    const id = await harness.submit(graph);
    await vi.waitFor(() => expect(simulator.started).toHaveLength(1));
    simulator.faults.set({ closeSockets: true, refuseSocket: 503 });
    await vi.waitFor(() => expect(simulator.sockets).toBe(0));
    simulator.faults.set({ refuseSocket: null });
    await vi.waitFor(() => expect(simulator.sockets).toBe(1));
    simulator.faults.set({ hold: false });
    expect(await harness.ended(id, 5_000)).toMatchObject({ status: 'SUCCEEDED' });
  });
});

describe('C16 answers that are wrong', () => {
  test.each([
    ['a truncated file', { truncateView: true }, 'OUTPUT_INVALID'],
    ['a file of other bytes', { garbageView: true }, 'OUTPUT_INVALID'],
    ['a file that is not there', { missingFiles: true }, 'OUTPUT_INVALID'],
    ['a file refused', { viewStatus: 404 }, 'OUTPUT_INVALID'],
    ['success with no output', { noOutputs: true }, 'NO_OUTPUT'],
    ['a history that cannot be told', { historyStatus: 500 }, 'EXECUTION_FAILED'],
  ] as const)('%s: a typed failure, and the prompt is not run again', async (_, faults, code) => {
    await using parts = await setUp();
    const { harness, simulator } = parts;
    simulator.faults.set(faults);
    harness.work({ main: simulator.url });
    const job = await harness.ended(await harness.submit(graph));
    expect(job).toMatchObject({ status: 'FAILED', attempts: 1, artifacts: [], error: { code } });
    expect(job.error?.message).not.toMatch(/127\.0\.0\.1|\/|http/);
    expect(simulator.posts).toBe(1);
    expect(await harness.leftovers()).toEqual([]);
  });

  test('a transfer that broke once is made again', async () => {
    await using parts = await setUp();
    const { harness, simulator } = parts;
    simulator.faults.set({ truncateView: 1 });
    harness.work({ main: simulator.url });
    expect(await harness.ended(await harness.submit(graph))).toMatchObject({ status: 'SUCCEEDED', attempts: 1 });
  });

  test('a bare NaN in history does no harm', async () => {
    await using parts = await setUp();
    const { harness, simulator } = parts;
    simulator.faults.set({ nanInHistory: true });
    harness.work({ main: simulator.url });
    expect(await harness.ended(await harness.submit(graph))).toMatchObject({ status: 'SUCCEEDED' });
  });

  test('a history that shows the end later is waited for', async () => {
    await using parts = await setUp();
    const { harness, simulator } = parts;
    simulator.faults.set({ hideHistory: 3 });
    harness.work({ main: simulator.url });
    expect(await harness.ended(await harness.submit(graph))).toMatchObject({
      status: 'SUCCEEDED',
      submission: { number: 1 },
    });
  });

  test('garbage and connections that break are lived through', async () => {
    await using parts = await setUp();
    const { harness, simulator } = parts;
    simulator.faults.set({ hold: true });
    harness.work({ main: simulator.url }, { timings: { poll: 50, lost: 20_000 } });
    const id = await harness.submit(graph);
    await vi.waitFor(() => expect(simulator.started).toHaveLength(1));
    simulator.faults.set({ httpGarbage: 6, httpReset: 6, closeSockets: true });
    await vi.waitFor(() => expect(simulator.faults.current).toMatchObject({ httpGarbage: 0, httpReset: 0 }), 5_000);
    simulator.faults.set({ hold: false });
    expect(await harness.ended(id)).toMatchObject({ status: 'SUCCEEDED', attempts: 1, submission: { number: 1 } });
  });
});

describe('C14 ComfyUI killed in the middle of a prompt', () => {
  test('and started again: the prompt is submitted again, once', async () => {
    await using parts = await setUp();
    const { harness, simulator } = parts;
    simulator.faults.set({ hold: true });
    harness.work({ main: simulator.url }, { timings: { refused: 20_000 } });
    const id = await harness.submit(graph);
    await vi.waitFor(() => expect(simulator.started).toHaveLength(1));
    await simulator.close();
    await using again = await startSimulator({ port: simulator.port, speed: Number.POSITIVE_INFINITY });
    expect(await harness.ended(id)).toMatchObject({ status: 'SUCCEEDED', attempts: 1, submission: { number: 2 } });
    expect(again.promptIds).toEqual([promptIdOf(id, 2)]);
  });

  test('and its results with it, before they were fetched: the prompt is submitted again, once', async () => {
    await using parts = await setUp();
    const { harness, simulator } = parts;
    // Two transfers are cut, and the third finds the server that came after it.
    simulator.faults.set({ truncateView: 2 });
    harness.work({ main: simulator.url }, { timings: { lost: 20_000 } });
    const id = await harness.submit(graph);
    // At the first cut itself: there are as few transfers as that.
    while (simulator.faults.current.truncateView !== 1) await simulator.faults.changed();
    await simulator.close();
    await using again = await startSimulator({ port: simulator.port, speed: Number.POSITIVE_INFINITY });
    expect(await harness.ended(id)).toMatchObject({ status: 'SUCCEEDED', failures: 1, submission: { number: 2 } });
    expect(again.promptIds).toEqual([promptIdOf(id, 2)]);
  });

  test('and gone for good: the job is run by another server, and one failure counted', async () => {
    await using parts = await setUp();
    const { harness, simulator: first } = parts;
    first.faults.set({ hold: true });
    harness.work({ first: first.url });
    const id = await harness.submit(graph);
    await vi.waitFor(() => expect(first.started).toHaveLength(1));
    const second = await harness.simulate();
    harness.work({ second: second.url });
    await first.close();
    expect(await harness.ended(id, 20_000)).toMatchObject({
      status: 'SUCCEEDED',
      failures: 1,
      submission: { number: 2, backend: 'second' },
    });
  });
});

test('a prompt that somebody else interrupted at the server is submitted again, once', async () => {
  await using parts = await setUp();
  const { harness, simulator } = parts;
  simulator.faults.set({ hold: true });
  harness.work({ main: simulator.url });
  const id = await harness.submit(graph);
  await vi.waitFor(() => expect(simulator.started).toHaveLength(1));
  await fetch(`${simulator.url}/interrupt`, { method: 'POST' });
  await vi.waitFor(() => expect(simulator.started).toHaveLength(2));
  simulator.faults.set({ hold: false });
  expect(await harness.ended(id)).toMatchObject({ status: 'SUCCEEDED', attempts: 1, submission: { number: 2 } });
});

describe('C03 ComfyUI silent', () => {
  test('for longer than a lost one is waited for, then done: no second submission', async () => {
    await using parts = await setUp();
    const { harness, simulator } = parts;
    simulator.faults.set({ hold: true });
    harness.work({ main: simulator.url }, { timings: { lost: 200, poll: 50, look: 100 } });
    const id = await harness.submit(graph);
    await vi.waitFor(() => expect(simulator.started).toHaveLength(1));
    simulator.faults.set({ httpDelayMs: 60_000, loseFinalMessages: true, closeSockets: true });
    const report = () => harness.stores.redis.hget(harness.stores.keys.backend('main'), 'report');
    await vi.waitFor(async () => expect(await report()).toContain('"DOWN"'), 10_000);
    simulator.faults.set({ hold: false, httpDelayMs: 0 });
    expect(await harness.ended(id)).toMatchObject({ status: 'SUCCEEDED', attempts: 1, submission: { number: 1 } });
    expect(simulator.posts).toBe(1);
  });

  test('past the time of an attempt: TIMEOUT, and its prompt is cancelled', async () => {
    await using parts = await setUp();
    const { harness, simulator } = parts;
    simulator.faults.set({ hold: true });
    harness.work({ main: simulator.url }, { jobTimeoutMs: 4_000 });
    const id = await harness.submit(graph);
    await vi.waitFor(() => expect(simulator.started).toHaveLength(1));
    simulator.faults.set({ httpDelayMs: 2_500 });
    const job = await harness.ended(id);
    expect(job).toMatchObject({ status: 'FAILED', error: { code: 'TIMEOUT', retryable: true } });
    simulator.faults.set({ httpDelayMs: 0 });
    await vi.waitFor(async () => {
      const queue = await (await fetch(`${simulator.url}/queue`)).json();
      expect(queue).toEqual({ queue_running: [], queue_pending: [] });
    }, 5_000);
    expect(simulator.interrupts).toBe(1);
  });
});

describe('no ComfyUI', () => {
  test('the job waits in the queue, unclaimed, and runs when there is one', async () => {
    await using parts = await setUp();
    const { harness, simulator } = parts;
    await simulator.close();
    harness.work({ main: simulator.url });
    const id = await harness.submit(graph);
    const backend = () => harness.stores.redis.hget(harness.stores.keys.backend('main'), 'report');
    await vi.waitFor(async () => expect(await backend()).toContain('"DOWN"'));
    expect(await harness.job(id)).toMatchObject({ status: 'QUEUED', attempts: 0 });
    await using again = await startSimulator({ port: simulator.port, speed: Number.POSITIVE_INFINITY });
    expect(await harness.ended(id)).toMatchObject({ status: 'SUCCEEDED', attempts: 1, failures: 0 });
    expect(again.posts).toBe(1);
  });

  test('that went away after it was seen: nothing is counted, and the job runs when it is back', async () => {
    await using parts = await setUp();
    const { harness, simulator } = parts;
    harness.work({ main: simulator.url }, { timings: { monitor: 60_000, putBack: 10 }, random: () => 0 });
    const { redis: connection, keys } = harness.stores;
    await vi.waitFor(async () => expect(await connection.hget(keys.backend('main'), 'report')).toContain('"UP"'));
    await simulator.close();
    const id = await harness.submit(graph);
    await harness.until(id, ({ attempts }) => attempts > 1);
    await using again = await startSimulator({ port: simulator.port, speed: Number.POSITIVE_INFINITY });
    expect(await harness.ended(id)).toMatchObject({ status: 'SUCCEEDED', failures: 0 });
    expect(again.posts).toBe(1);
  });

  test('at an address where something else listens: the job waits, nothing is counted', async () => {
    await using parts = await setUp();
    const { harness } = parts;
    const other = createServer((socket) => socket.end('SSH-2.0-x\r\n')).listen(0, '127.0.0.1');
    await vi.waitFor(() => expect(other.address()).not.toBeNull());
    const address = other.address();
    harness.work({ main: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}` });
    const id = await harness.submit(graph);
    const report = () => harness.stores.redis.hget(harness.stores.keys.backend('main'), 'report');
    await vi.waitFor(async () => expect(await report()).toContain('"DOWN"'));
    expect(await harness.job(id)).toMatchObject({ status: 'QUEUED', attempts: 0 });
    other.close();
  });
});

describe('several servers', () => {
  test('the least loaded is taken, each to its depth, and the rest waits', async () => {
    await using parts = await setUp();
    const { harness, simulator: a } = parts;
    const b = await harness.simulate();
    for (const { faults } of [a, b]) faults.set({ hold: true });
    harness.work({ a: a.url, b: b.url });
    const seen = () => harness.stores.redis.zcard(harness.stores.keys.backends);
    await vi.waitFor(async () => expect(await seen()).toBe(2));
    const ids = await Promise.all(Array.from({ length: 6 }, () => harness.submit(graph)));
    await vi.waitFor(() => expect([a.posts, b.posts]).toEqual([2, 2]));
    const jobs = await Promise.all(ids.map((id) => harness.job(id)));
    expect(jobs.filter(({ status }) => status === 'QUEUED')).toHaveLength(2);
    for (const { faults } of [a, b]) faults.set({ hold: false });
    for (const id of ids) expect(await harness.ended(id)).toMatchObject({ status: 'SUCCEEDED', attempts: 1 });
    expect(a.posts + b.posts).toBe(6);
  });

  test('one at which prompts fail is given none for a while, though it answers', async () => {
    await using parts = await setUp();
    const { harness, simulator: bad } = parts;
    const good = await harness.simulate();
    bad.faults.set({ refusePrompt: 500 });
    harness.work(
      { bad: bad.url, good: good.url },
      {
        breaker: { threshold: 1, openMs: { first: 3_600_000, most: 3_600_000 } },
        timings: { lookUp: 0 },
        jobAttempts: 5,
      },
    );
    const submit = (count: number) => Promise.all(Array.from({ length: count }, () => harness.submit(graph)));
    const failed = async (ids: string[]) => {
      for (const id of ids) expect(await harness.ended(id, 20_000)).toMatchObject({ status: 'SUCCEEDED' });
      return (await Promise.all(ids.map((id) => harness.job(id)))).filter(({ failures }) => failures > 0).length;
    };
    const first = await failed(await submit(8));
    expect(first).toBeGreaterThan(0);
    expect(first).toBeLessThan(8);
    // A job that fails at one server and not at another says of the first that it is at fault.
    expect(await failed(await submit(8))).toBe(0);
    expect(good.posts).toBe(16);
  });

  test('what is seen of them is reported, with versions and models', async () => {
    await using parts = await setUp();
    const { harness, simulator } = parts;
    harness.work({ main: simulator.url, down: 'http://127.0.0.1:1' });
    const { redis: connection, keys } = harness.stores;
    const report = async (name: string) => JSON.parse((await connection.hget(keys.backend(name), 'report')) ?? '{}');
    await vi.waitFor(async () =>
      expect(await report('main')).toMatchObject({
        status: 'UP',
        comfyuiVersion: expect.stringMatching(/^0\.33/),
        queued: 0,
        running: 0,
        models: { 'CheckpointLoaderSimple.ckpt_name': expect.arrayContaining([expect.stringMatching(/safetensors/)]) },
      }),
    );
    await vi.waitFor(async () =>
      expect(await report('down')).toMatchObject({ status: 'DOWN', message: expect.any(String) }),
    );
    expect(JSON.stringify(await report('down'))).not.toContain('127.0.0.1');
  });
});
