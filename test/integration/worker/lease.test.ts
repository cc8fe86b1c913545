import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { StorageError } from '../../../src/artifacts/artifact-store.ts';
import { createRedisBackendReporter } from '../../../src/backends/redis/redis-backends.ts';
import { createTransition } from '../../../src/job-record/redis/transition.ts';
import type { Simulator } from '../../../src/simulator/simulator.ts';
import { isolateOutputs, promptIdOf } from '../../../worker/comfyui/prompt.ts';
import { unknownBackend } from '../../support/backends.ts';
import { testLog } from '../../support/graph-services.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';
import { graph, type Harness, recordedGraph, rememberProgress, startHarness } from './harness.ts';

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

const get = async (simulator: Simulator, path: string) => await (await fetch(`${simulator.url}${path}`)).json();
const idle = { queue_running: [], queue_pending: [] };

/** A job that a worker died of after its POST; its delivery comes back with the next worker. */
async function leftByDeadWorker(
  { stores, submit }: Harness,
  simulator: Simulator,
  { posted = true, prompt = graph } = {},
): Promise<string> {
  const id = await submit(prompt);
  await stores.worker.pick(id);
  const claim = await stores.worker.claim(id);
  if (claim.outcome !== 'claimed') throw new Error(claim.outcome);
  const submission = { number: 1, backend: 'main', client: 'dead' };
  await stores.worker.move(id, claim.job.lease, { move: 'submit', submission });
  const promptId = promptIdOf(id, 1);
  if (!posted) return id;
  const body = JSON.stringify({
    prompt: isolateOutputs(prompt, promptId, null),
    client_id: 'dead',
    prompt_id: promptId,
  });
  const answer = await fetch(`${simulator.url}/prompt`, { method: 'POST', body });
  if (answer.status !== 200) throw new Error(`POST answered ${answer.status}`);
  return id;
}

test('leases that cannot be looked at are one line for all jobs and looks of a while, with the id of one', async () => {
  await using parts = await setUp();
  const { harness, simulator } = parts;
  simulator.faults.set({ hold: true });
  const { log, lines } = testLog();
  let looks = 0;
  const lease = () => {
    looks++;
    return Promise.reject(new Error('too slow'));
  };
  harness.work({ main: simulator.url }, { log, store: { ...harness.stores.worker, lease } });
  const ids = [await harness.submit(graph), await harness.submit(graph)];
  await vi.waitFor(() => expect(looks).toBeGreaterThan(10), { timeout: 10_000 });
  const told = lines.filter(({ msg }) => msg === 'lease not confirmed');
  expect(told).toMatchObject([{ error: 'too slow', times: 1 }]);
  expect(ids).toContain(told[0]?.jobId);
});

describe('C01 a job that another worker died of', () => {
  test('while its prompt runs: it is followed, not submitted again', async () => {
    await using parts = await setUp();
    const { harness, simulator } = parts;
    simulator.faults.set({ hold: true });
    const id = await leftByDeadWorker(harness, simulator);
    harness.work({ main: simulator.url });
    await harness.until(id, ({ attempts }) => attempts === 2);
    simulator.faults.set({ hold: false });
    expect(await harness.ended(id)).toMatchObject({
      status: 'SUCCEEDED',
      takeovers: 1,
      failures: 0,
      submission: { number: 1 },
    });
    expect(simulator.posts).toBe(1);
  });

  test('while its prompt runs: its progress goes on being told', async () => {
    await using parts = await setUp();
    const { harness } = parts;
    const simulator = await harness.simulate({ speed: 0.5 });
    simulator.faults.set({ holdAt: 'KSampler' });
    const id = await leftByDeadWorker(harness, simulator, { prompt: await recordedGraph('30_text_to_image') });
    const { store, taken } = rememberProgress(harness.stores.worker);
    harness.work({ main: simulator.url }, { store });
    await harness.until(id, ({ attempts }) => attempts === 2);
    // Its own, and the one that it has after the dead worker.
    await vi.waitFor(() => expect(simulator.sockets).toBe(2));
    simulator.faults.set({ holdAt: null });
    expect(await harness.ended(id)).toMatchObject({ status: 'SUCCEEDED', submission: { number: 1 } });
    const steps = taken.flatMap(({ node }) => (node?.step == null ? [] : node));
    expect(steps.length).toBeGreaterThan(0);
    for (const node of steps) expect(node).toMatchObject({ classType: 'KSampler', totalSteps: 20 });
    expect(simulator.posts).toBe(1);
  });

  test('after its prompt has ended: its results are fetched', async () => {
    await using parts = await setUp();
    const { harness, simulator } = parts;
    const id = await leftByDeadWorker(harness, simulator);
    await vi.waitFor(async () => expect(Object.keys(await get(simulator, '/history'))).toHaveLength(1));
    harness.work({ main: simulator.url });
    expect(await harness.ended(id)).toMatchObject({ status: 'SUCCEEDED', submission: { number: 1 } });
    expect(simulator.posts).toBe(1);
  });

  test('after its prompt has run out of memory: one more is submitted, and no third', async () => {
    await using parts = await setUp();
    const { harness, simulator } = parts;
    simulator.faults.set({ nodeError: { kind: 'oom' } });
    const id = await leftByDeadWorker(harness, simulator);
    harness.work({ main: simulator.url });
    expect(await harness.ended(id)).toMatchObject({ status: 'FAILED', error: { code: 'OUT_OF_MEMORY' } });
    expect(simulator.posts).toBe(2);
  });

  test('before its POST: the next number is submitted', async () => {
    await using parts = await setUp();
    const { harness, simulator } = parts;
    const id = await leftByDeadWorker(harness, simulator, { posted: false });
    harness.work({ main: simulator.url });
    expect(await harness.ended(id)).toMatchObject({ status: 'SUCCEEDED', submission: { number: 2 } });
    expect(simulator.promptIds).toEqual([promptIdOf(id, 2)]);
  });

  test('at a server that only this worker does not have, and that nobody reports: it runs here', async () => {
    await using parts = await setUp();
    const { harness, simulator } = parts;
    const elsewhere = await harness.simulate();
    const id = await leftByDeadWorker(harness, simulator);
    harness.work({ elsewhere: elsewhere.url });
    expect(await harness.ended(id)).toMatchObject({
      status: 'SUCCEEDED',
      submission: { number: 2, backend: 'elsewhere' },
    });
  });

  test('at a server that another worker has: it is left to that one, at no cost', async () => {
    await using parts = await setUp();
    const { harness, simulator } = parts;
    simulator.faults.set({ hold: true });
    const id = await leftByDeadWorker(harness, simulator);
    const { durable, keys } = harness.stores;
    const report = { ...unknownBackend, name: 'main', status: 'UP' } as const;
    await createRedisBackendReporter(durable, keys).report('the other worker', [report]);
    const elsewhere = await harness.simulate();
    harness.work({ elsewhere: elsewhere.url }, { timings: { putBack: 100 } });
    await harness.until(id, ({ attempts }) => attempts >= 3);
    harness.work({ main: simulator.url });
    await harness.until(id, ({ status, attempts }) => status === 'RUNNING' && attempts > 3);
    simulator.faults.set({ hold: false });
    const job = await harness.ended(id);
    expect(job).toMatchObject({ status: 'SUCCEEDED', failures: 0, submission: { number: 1, backend: 'main' } });
    expect(elsewhere.posts).toBe(0);
  });

  test('C06 more than ten times: it ends with INTERNAL and its prompt is cancelled', async () => {
    await using parts = await setUp();
    const { harness, simulator } = parts;
    simulator.faults.set({ hold: true });
    const id = await leftByDeadWorker(harness, simulator);
    for (let i = 0; i < 10; i++) await harness.stores.worker.claim(id);
    harness.work({ main: simulator.url });
    expect(await harness.ended(id)).toMatchObject({ status: 'FAILED', error: { code: 'INTERNAL' } });
    await vi.waitFor(async () => expect(await get(simulator, '/queue')).toEqual(idle));
  });
});

describe('C07 a worker whose lease was taken', () => {
  test('touches neither ComfyUI nor storage nor the record', async () => {
    await using parts = await setUp();
    const { harness, simulator } = parts;
    simulator.faults.set({ hold: true });
    harness.work({ main: simulator.url }, { timings: { progress: 60_000 } });
    const id = await harness.submit(graph);
    await vi.waitFor(() => expect(simulator.started).toHaveLength(1));
    const taken = await harness.stores.worker.claim(id);
    expect(taken).toMatchObject({ outcome: 'claimed', job: { lease: 2 } });
    // What would make it cancel the prompt, were it still its own.
    await harness.stores.gateway.requestCancel(id);
    const { seq } = await harness.job(id);
    simulator.faults.set({ hold: false });

    const next = await harness.submit(graph);
    expect(await harness.ended(next)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await harness.job(id)).toMatchObject({ status: 'RUNNING', lease: 2, seq, artifacts: [] });
    expect(simulator.interrupts).toBe(0);
    // That of the next one goes behind its success.
    await vi.waitFor(async () => expect(Object.keys(await get(simulator, '/history'))).toEqual([promptIdOf(id, 1)]));
    const stored = await Promise.all([
      harness.artifacts.head(`jobs/${id}/1/00.png`),
      harness.artifacts.head(`jobs/${next}/1/00.png`),
    ]);
    expect(stored).toEqual([null, expect.objectContaining({ contentType: 'image/png' })]);
  });

  test.each(['first', 'next'])(
    'between writing its %s submission down and the POST, which is not made any more',
    async (which) => {
      await using parts = await setUp();
      const { harness, simulator } = parts;
      const { worker, redis: connection, keys } = harness.stores;
      const claim: typeof worker.claim = async (id, submission) => {
        const claimed = await worker.claim(id, submission);
        if (which === 'first') await connection.hincrby(keys.job(id), 'lease', 1);
        return claimed;
      };
      const move: typeof worker.move = async (id, lease, change) => {
        const moved = await worker.move(id, lease, change);
        if (change.move === 'submit') await connection.hincrby(keys.job(id), 'lease', 1);
        return moved;
      };
      const id =
        which === 'first' ? await harness.submit(graph) : await leftByDeadWorker(harness, simulator, { posted: false });
      const { log, lines } = testLog();
      // As after a stop, whose length alone says that the lease may be another's.
      harness.work({ main: simulator.url }, { log, store: { ...worker, claim, move }, timings: { leaseFresh: -1 } });
      await vi.waitFor(() => expect(lines).toContainEqual(expect.objectContaining({ jobId: id, reason: 'lost' })));
      expect(simulator.posts).toBe(0);
    },
  );

  test('looks for its prompt before it posts one when its claim was written twice', async () => {
    await using parts = await setUp();
    const { harness, simulator } = parts;
    const { worker: store } = harness.stores;
    // As ioredis does: the command is sent again, and Redis has carried it out before.
    const claim: typeof store.claim = async (id, submission) => {
      await store.claim(id, submission);
      return await store.claim(id, submission);
    };
    harness.work({ main: simulator.url }, { store: { ...store, claim } });
    const id = await harness.submit(graph);
    expect(await harness.ended(id)).toMatchObject({ status: 'SUCCEEDED', takeovers: 1, submission: { number: 2 } });
    expect(simulator.promptIds).toEqual([promptIdOf(id, 2)]);
  });

  test('keeps its success when that was written and the answer was lost', async () => {
    await using parts = await setUp();
    const { harness, simulator } = parts;
    const { worker: store } = harness.stores;
    // As ioredis does: the command is sent again, and Redis has carried it out before.
    const sentAgain: typeof store.move = async (id, lease, change) => {
      if (change.move === 'succeed') await store.move(id, lease, change);
      return await store.move(id, lease, change);
    };
    harness.work({ main: simulator.url }, { store: { ...store, move: sentAgain } });
    const id = await harness.submit(graph);
    expect(await harness.ended(id)).toMatchObject({ status: 'SUCCEEDED', seq: expect.any(Number) });
    // What follows a success follows it still.
    await vi.waitFor(async () => expect(await get(simulator, '/history')).toEqual({}));
  });

  test('in the middle of its uploads stores nothing more', async () => {
    await using parts = await setUp();
    const { harness, simulator } = parts;
    const uploading = Promise.withResolvers<void>();
    const aborted = Promise.withResolvers<void>();
    const artifacts = {
      ...harness.artifacts,
      put: (_key: string, _file: object, { signal }: { signal: AbortSignal }) =>
        new Promise<void>((_, reject) => {
          uploading.resolve();
          signal.addEventListener('abort', () => {
            aborted.resolve();
            reject(signal.reason);
          });
        }),
    };
    harness.work({ main: simulator.url }, { artifacts, timings: { progress: 60_000 } });
    // A text is a file on its way into storage, which a small picture is not.
    const id = await harness.submit({ '1': { class_type: 'PreviewAny', inputs: { source: 'said' } } });
    await uploading.promise;
    expect(await harness.leftovers()).toHaveLength(1);
    await harness.stores.worker.claim(id);
    await aborted.promise;
    await vi.waitFor(async () => expect(await harness.leftovers()).toEqual([]));
    expect(await harness.job(id)).toMatchObject({ status: 'RUNNING', lease: 2 });
  });
});

describe('cancel', () => {
  test('of a running job interrupts its prompt, and only that', async () => {
    await using parts = await setUp();
    const { harness, simulator } = parts;
    simulator.faults.set({ hold: true });
    harness.work({ main: simulator.url });
    const id = await harness.submit(graph);
    await vi.waitFor(() => expect(simulator.started).toHaveLength(1));
    const other = await harness.submit(graph);
    await vi.waitFor(() => expect(simulator.posts).toBe(2));
    await harness.stores.gateway.requestCancel(id);
    expect(await harness.ended(id)).toMatchObject({ status: 'CANCELED', artifacts: [] });
    simulator.faults.set({ hold: false });
    expect(await harness.ended(other)).toMatchObject({ status: 'SUCCEEDED' });
  });

  test('of a job whose prompt waits at its server takes it out of there', async () => {
    await using parts = await setUp();
    const { harness, simulator } = parts;
    simulator.faults.set({ hold: true });
    harness.work({ main: simulator.url });
    const first = await harness.submit(graph);
    await vi.waitFor(() => expect(simulator.started).toHaveLength(1));
    const second = await harness.submit(graph);
    await vi.waitFor(() => expect(simulator.posts).toBe(2));
    await harness.stores.gateway.requestCancel(second);
    expect(await harness.ended(second)).toMatchObject({ status: 'CANCELED' });
    simulator.faults.set({ hold: false });
    expect(await harness.ended(first)).toMatchObject({ status: 'SUCCEEDED' });
    expect(simulator.started).toEqual([promptIdOf(first, 1)]);
  });

  test('of a prompt that cannot be interrupted ends the job within a bound', async () => {
    await using parts = await setUp();
    const { harness, simulator } = parts;
    simulator.faults.set({ deadWorker: true });
    harness.work({ main: simulator.url });
    const id = await harness.submit(graph);
    await vi.waitFor(() => expect(simulator.started).toHaveLength(1));
    await harness.stores.gateway.requestCancel(id);
    expect(await harness.ended(id, 5_000)).toMatchObject({ status: 'CANCELED' });
    expect(simulator.interrupts).toBeGreaterThan(0);
    simulator.faults.reset();
  });

  test('in the middle of uploads stops them', async () => {
    await using parts = await setUp();
    const { harness, simulator } = parts;
    const uploading = Promise.withResolvers<void>();
    const artifacts = {
      ...harness.artifacts,
      put: (_key: string, _file: object, { signal }: { signal: AbortSignal }) =>
        new Promise<void>((_, reject) => {
          uploading.resolve();
          signal.addEventListener('abort', () => reject(signal.reason));
        }),
    };
    harness.work({ main: simulator.url }, { artifacts });
    const id = await harness.submit(graph);
    await uploading.promise;
    await harness.stores.gateway.requestCancel(id);
    expect(await harness.ended(id)).toMatchObject({ status: 'CANCELED', artifacts: [] });
  });

  test('of a job that was put back with its prompt alive cancels that prompt when it is delivered', async () => {
    await using parts = await setUp();
    const { harness, simulator } = parts;
    simulator.faults.set({ hold: true });
    const id = await leftByDeadWorker(harness, simulator);
    const lease = (await harness.job(id)).lease;
    await harness.stores.worker.move(id, lease, { move: 'retry', counts: false });
    expect(await harness.stores.gateway.requestCancel(id)).toMatchObject({ status: 'CANCELED' });
    harness.work({ main: simulator.url });
    await vi.waitFor(async () => expect(await get(simulator, '/queue')).toEqual(idle), 5_000);
    expect(simulator.interrupts).toBe(1);
  });
});

test('a job that its deadline ended has its prompt cancelled', async () => {
  await using parts = await setUp();
  const { harness, simulator } = parts;
  const { stores } = harness;
  simulator.faults.set({ hold: true });
  harness.work({ main: simulator.url });
  const id = await harness.submit(graph);
  await vi.waitFor(() => expect(simulator.started).toHaveLength(1));
  const expire = createTransition(stores.redis, stores.keys, 60_000);
  expect(await expire({ id, move: 'expire' })).toMatchObject({ outcome: 'done', status: 'FAILED' });
  await vi.waitFor(async () => expect(await get(simulator, '/queue')).toEqual(idle));
  expect(simulator.interrupts).toBe(1);
  expect(await harness.job(id)).toMatchObject({ status: 'FAILED', artifacts: [] });
});

describe('C08 a worker that is closed in a job', () => {
  test('lets it finish within the bound', async () => {
    await using parts = await setUp();
    const { harness, simulator } = parts;
    simulator.faults.set({ hold: true });
    const worker = harness.work({ main: simulator.url }, { finishTimeoutMs: 20_000 });
    const id = await harness.submit(graph);
    await vi.waitFor(() => expect(simulator.started).toHaveLength(1));
    const closed = worker.close();
    const late = await harness.submit(graph);
    simulator.faults.set({ hold: false });
    await closed;
    expect(await harness.job(id)).toMatchObject({ status: 'SUCCEEDED', attempts: 1 });
    expect(await harness.job(late)).toMatchObject({ status: 'QUEUED', attempts: 0 });
    await vi.waitFor(() => expect(simulator.sockets).toBe(0));
  });

  test('hands it over after that: the next one goes on with the same prompt', async () => {
    await using parts = await setUp();
    const { harness, simulator } = parts;
    simulator.faults.set({ hold: true });
    const worker = harness.work({ main: simulator.url }, { finishTimeoutMs: 50 });
    const id = await harness.submit(graph);
    await vi.waitFor(() => expect(simulator.started).toHaveLength(1));
    await worker.close();
    expect(await harness.job(id)).toMatchObject({ status: 'QUEUED', failures: 0, submission: { number: 1 } });
    expect(simulator.interrupts).toBe(0);
    harness.work({ main: simulator.url });
    await harness.until(id, 'RUNNING');
    simulator.faults.set({ hold: false });
    expect(await harness.ended(id)).toMatchObject({ status: 'SUCCEEDED', attempts: 2, takeovers: 0 });
    expect(simulator.posts).toBe(1);
  });
});

describe('storage', () => {
  test('C05 that is full: the upload is tried again and never the prompt; then STORAGE_FULL', async () => {
    await using parts = await setUp();
    const { harness, simulator } = parts;
    let puts = 0;
    const artifacts = {
      ...harness.artifacts,
      put: async () => {
        puts++;
        throw new StorageError('full', 'no room');
      },
    };
    harness.work({ main: simulator.url }, { artifacts, timings: { storage: 3_000 } });
    const job = await harness.ended(await harness.submit(graph));
    expect(job).toMatchObject({ status: 'FAILED', attempts: 1, error: { code: 'STORAGE_FULL', retryable: true } });
    expect(puts).toBeGreaterThan(2);
    expect(simulator.posts).toBe(1);
    expect(await harness.leftovers()).toEqual([]);
  });

  test('C18 that is away for a while is waited for', async () => {
    await using parts = await setUp();
    const { harness, simulator } = parts;
    let away = 2;
    const { artifacts: real } = harness;
    const artifacts: typeof real = {
      ...real,
      put: async (...args) => {
        if (away-- > 0) throw new StorageError('unavailable', 'away');
        await real.put(...args);
      },
    };
    harness.work({ main: simulator.url }, { artifacts, timings: { storage: 20_000 } });
    expect(await harness.ended(await harness.submit(graph))).toMatchObject({ status: 'SUCCEEDED', attempts: 1 });
    expect(simulator.posts).toBe(1);
  });
});

test('C10 Redis killed while a job runs: it ends well, and was submitted once', async () => {
  const own = await startTestRedis();
  try {
    await using harness = await startHarness(own.url);
    const simulator = await harness.simulate();
    simulator.faults.set({ hold: true });
    harness.work({ main: simulator.url });
    const id = await harness.submit(graph);
    await vi.waitFor(() => expect(simulator.started).toHaveLength(1));
    await own.kill();
    simulator.faults.set({ hold: false });
    await vi.waitFor(async () => expect(await get(simulator, '/history')).toHaveProperty(promptIdOf(id, 1)));
    await own.restart();
    const job = await vi.waitFor(
      async () => {
        const seen = await harness.job(id);
        if (seen.status !== 'SUCCEEDED') throw new Error(seen.status);
        return seen;
      },
      { timeout: 20_000, interval: 50 },
    );
    expect(job).toMatchObject({ failures: 0, submission: { number: 1 } });
    expect(simulator.posts).toBe(1);
  } finally {
    await own.close();
  }
});
