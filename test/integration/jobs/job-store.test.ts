import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { NodeTiming, Progress } from '../../../src/core/job.ts';
import { newJob, openStores } from '../../support/gateway-store.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';

let server: TestRedis;
let stores: Awaited<ReturnType<typeof openStores>>;

beforeAll(async () => {
  server = await startTestRedis();
  stores = await openStores(server.url);
});
afterAll(async () => {
  await stores.close();
  await server.close();
});

async function accept(overrides: Parameters<typeof newJob>[0] = {}) {
  const accepted = await stores.gateway.accept(newJob(overrides));
  if (accepted.outcome !== 'created') throw new Error(`accept answered ${accepted.outcome}`);
  return accepted.job;
}

async function claim(id: string) {
  const claimed = await stores.worker.claim(id);
  if (claimed.outcome !== 'claimed') throw new Error(`claim answered ${claimed.outcome}`);
  return claimed.job;
}

const log = async (id: string) =>
  (await stores.redis.xrange(stores.keys.events(id), '-', '+')).map(([seq, fields]) => `${seq} ${fields[1]}`);

const half: Progress = { fraction: 0.5, nodesDone: 3, nodesTotal: 7, node: null };
const failure = {
  code: 'EXECUTION_FAILED',
  message: 'no',
  nodeId: '3',
  classType: 'KSampler',
  retryable: false,
} as const;

describe('accept', () => {
  it('answers with the job as it is read back', async () => {
    const job = await accept({ tags: ['a', 'b'], parameters: { prompt: 'ü ✓', seed: 2 ** 53 - 1 } });
    expect(await stores.gateway.get(job.id)).toEqual(job);
    expect(job).toMatchObject({
      status: 'QUEUED',
      seq: 1,
      attempts: 0,
      submission: null,
      error: null,
      startedAt: null,
    });
    expect(job.deadlineAt - job.createdAt).toBe(60_000);
    expect(await log(job.id)).toEqual(['1-0 QUEUED']);
  });

  it('makes one job of 50 parallel calls with one key', async () => {
    const calls = Array.from({ length: 50 }, () => stores.gateway.accept(newJob({ idempotencyKey: 'parallel' })));
    const outcomes = await Promise.all(calls);
    const ids = new Set(outcomes.map((each) => ('job' in each ? each.job.id : each.outcome)));
    expect(ids.size).toBe(1);
    expect(outcomes.filter(({ outcome }) => outcome === 'created')).toHaveLength(1);
    expect(outcomes.filter(({ outcome }) => outcome === 'replayed')).toHaveLength(49);
  });

  it('refuses another input under a used key, naming the job', async () => {
    const job = await accept({ idempotencyKey: 'reused' });
    const again = await stores.gateway.accept(newJob({ idempotencyKey: 'reused', fingerprint: 'other' }));
    expect(again).toEqual({ outcome: 'reused', jobId: job.id });
  });

  it('keeps the keys of two callers apart', async () => {
    const one = await accept({ idempotencyKey: 'shared', caller: 'one' });
    const two = await accept({ idempotencyKey: 'shared', caller: 'two', fingerprint: 'other' });
    expect(two.id).not.toBe(one.id);
  });

  it('takes nothing of a job while Redis is full, also where a template is to be kept for longer', async () => {
    const template = { hash: 'kept', text: '{}' };
    await accept({ template, deadlineMs: 1_000 });
    const before = await stores.redis.dbsize();
    const life = await stores.redis.pttl(stores.keys.template('kept'));
    await stores.redis.config('SET', 'maxmemory', '1');
    try {
      await expect(accept({ template, deadlineMs: 10 ** 9 })).rejects.toThrow(/OOM|answered full/);
    } finally {
      await stores.redis.config('SET', 'maxmemory', '0');
    }
    expect(await stores.redis.dbsize()).toBe(before);
    expect(await stores.redis.pttl(stores.keys.template('kept'))).toBeLessThanOrEqual(life);
    // How much room there is, is known with a delay.
    await vi.waitFor(() => accept({ template, deadlineMs: 10 ** 9 }));
    expect(await stores.redis.pttl(stores.keys.template('kept'))).toBeGreaterThan(10 ** 9);
  });

  it('stores a template that Redis does not hold, with the first job that needs it', async () => {
    const template = { hash: 'abc', text: '{"graph":{}}' };
    const job = await accept({ template });
    expect(job.template).toBe('abc');
    expect(await stores.worker.template('abc')).toBe(template.text);
    await stores.redis.del(stores.keys.template('abc'));
    await accept({ template });
    expect(await stores.worker.template('abc')).toBe(template.text);
  });

  it('refuses when no ComfyUI has been seen for the grace time, but still replays', async () => {
    const graceful = await openStores(server.url, { noBackendGraceMs: 30_000 });
    try {
      const before = newJob();
      await graceful.gateway.accept(before);
      await graceful.redis.set(graceful.keys.seen, Date.now() - 60_000);
      expect(await graceful.gateway.accept(newJob())).toMatchObject({ outcome: 'refused' });
      expect(await graceful.gateway.accept({ ...before, id: v7() })).toMatchObject({ outcome: 'replayed' });
      await graceful.redis.set(graceful.keys.seen, Date.now());
      expect(await graceful.gateway.accept(newJob())).toMatchObject({ outcome: 'created' });
    } finally {
      await graceful.close();
    }
  });

  it('says that the job of a key was deleted', async () => {
    const job = await accept({ idempotencyKey: 'deleted' });
    await stores.gateway.requestCancel(job.id);
    await stores.gateway.remove(job.id);
    expect(await stores.gateway.accept(newJob({ idempotencyKey: 'deleted' }))).toEqual({
      outcome: 'deleted',
      jobId: job.id,
    });
  });
});

describe('moves', () => {
  it('goes from acceptance to success, counting events by one', async () => {
    const { id } = await accept();
    const { lease } = await claim(id);
    await stores.worker.move(id, lease, { move: 'submit', submission: { number: 1, backend: 'a', client: 'w' } });
    await stores.worker.move(id, lease, { move: 'progress', progress: half });
    const done = { fraction: 1, nodesDone: 7, nodesTotal: 7, node: null };
    await stores.worker.move(id, lease, { move: 'succeed', artifacts: [], progress: done, timings: [] });
    const job = await stores.gateway.get(id);
    expect(job).toMatchObject({ status: 'SUCCEEDED', seq: 4, attempts: 1, lease: 1, progress: done });
    expect(job?.submission).toEqual({ number: 1, backend: 'a', client: 'w' });
    expect((job?.expiresAt ?? 0) - (job?.finishedAt ?? 0)).toBe(86_400_000);
    // PROGRESS goes when the job ends.
    expect(await log(id)).toEqual(['1-0 QUEUED', '2-0 STARTED', '4-0 SUCCEEDED']);
  });

  it('lets only the latest lease write', async () => {
    const { id } = await accept();
    const first = await claim(id);
    const second = await claim(id);
    expect(second).toMatchObject({ lease: 2, attempts: 2, takeovers: 1 });
    expect(await stores.worker.move(id, first.lease, { move: 'progress', progress: half })).toEqual({
      outcome: 'lost',
    });
    const late = await stores.worker.move(id, first.lease, {
      move: 'succeed',
      artifacts: [],
      progress: half,
      timings: [],
    });
    expect(late).toEqual({ outcome: 'lost' });
    expect(await stores.worker.lease(id, first.lease)).toEqual({ state: 'lost' });
    expect(await stores.worker.lease(id, second.lease)).toMatchObject({ state: 'held', cancelRequested: false });
    expect(await stores.gateway.get(id)).toMatchObject({ status: 'RUNNING', progress: { fraction: 0 } });
  });

  it('starts progress anew with each attempt', async () => {
    const { id } = await accept();
    const { lease } = await claim(id);
    await stores.worker.move(id, lease, { move: 'progress', progress: half });
    expect((await claim(id)).progress).toEqual({ ...half, fraction: 0, nodesDone: 0 });
  });

  it('puts a job back, with and without counting a failure', async () => {
    const { id } = await accept();
    let { lease } = await claim(id);
    await stores.worker.move(id, lease, { move: 'retry', counts: false });
    expect(await stores.gateway.get(id)).toMatchObject({ status: 'QUEUED', failures: 0 });
    ({ lease } = await claim(id));
    await stores.worker.move(id, lease, { move: 'retry', counts: true });
    expect(await stores.gateway.get(id)).toMatchObject({ status: 'QUEUED', failures: 1, attempts: 2, takeovers: 0 });
    expect(await stores.worker.move(id, lease, { move: 'progress', progress: half })).toEqual({ outcome: 'lost' });
  });

  it('does not change what has ended', async () => {
    const { id } = await accept();
    const { lease } = await claim(id);
    await stores.worker.move(id, lease, { move: 'fail', error: failure, timings: [] });
    const again = await stores.worker.move(id, lease, { move: 'succeed', artifacts: [], progress: half, timings: [] });
    expect(again).toEqual({ outcome: 'ended', status: 'FAILED', error: failure });
    expect(await stores.worker.claim(id)).toMatchObject({
      outcome: 'ended',
      job: { status: 'FAILED', error: failure },
    });
    expect(await stores.worker.claim(v7())).toEqual({ outcome: 'gone' });
  });

  it('names the first prompt with the claim, and never one in the place of another that may be alive', async () => {
    const { id } = await accept();
    const submission = { number: 1, backend: 'a', client: 'w' };
    const first = await stores.worker.claim(id, submission);
    expect(first).toMatchObject({ outcome: 'claimed', submitted: true, job: { submission } });
    // The same one, as when Redis was asked twice: whether a prompt was posted for it is not known.
    expect(await stores.worker.claim(id, submission)).toMatchObject({
      submitted: false,
      job: { lease: 2, submission },
    });
    const another = await stores.worker.claim(id, { number: 1, backend: 'b', client: 'v' });
    expect(another).toMatchObject({ submitted: false, job: { lease: 3, submission } });
    expect((await stores.gateway.get(id))?.submission).toEqual(submission);
  });

  it('names no prompt of a job that the claim ends', async () => {
    const { id } = await accept();
    await claim(id);
    await stores.gateway.requestCancel(id);
    const claimed = await stores.worker.claim(id, { number: 1, backend: 'a', client: 'w' });
    expect(claimed).toMatchObject({ outcome: 'ended', job: { status: 'CANCELED', submission: null } });
  });
});

describe('cancel', () => {
  it('is immediate while QUEUED', async () => {
    const { id } = await accept();
    expect(await stores.gateway.requestCancel(id)).toMatchObject({
      status: 'CANCELED',
      seq: 2,
      cancelRequestedAt: expect.any(Number),
    });
    expect(await stores.worker.claim(id)).toMatchObject({ outcome: 'ended' });
  });

  it('asks once while RUNNING, and wins over a success that comes later', async () => {
    const { id } = await accept();
    const { lease } = await claim(id);
    const asked = await stores.gateway.requestCancel(id);
    expect(asked).toMatchObject({ status: 'RUNNING', seq: 3 });
    expect(await stores.gateway.requestCancel(id)).toMatchObject({
      seq: 3,
      cancelRequestedAt: asked?.cancelRequestedAt,
    });
    expect(await stores.worker.lease(id, lease)).toMatchObject({ state: 'held', cancelRequested: true });
    const progressed = await stores.worker.move(id, lease, { move: 'progress', progress: half });
    expect(progressed).toMatchObject({ outcome: 'done', cancelRequested: true });
    const done = await stores.worker.move(id, lease, { move: 'succeed', artifacts: [], progress: half, timings: [] });
    expect(done).toMatchObject({ outcome: 'done', status: 'CANCELED' });
    expect(await log(id)).toEqual(['1-0 QUEUED', '2-0 STARTED', '3-0 CANCEL_REQUESTED', '5-0 CANCELED']);
  });

  it.each([
    ['a retry', { move: 'retry', counts: true }],
    ['a failure', { move: 'fail', error: failure, timings: [] as NodeTiming[] }],
  ] as const)('wins over %s', async (_, change) => {
    const { id } = await accept();
    const { lease } = await claim(id);
    await stores.gateway.requestCancel(id);
    await stores.worker.move(id, lease, change);
    expect(await stores.gateway.get(id)).toMatchObject({ status: 'CANCELED', error: null, failures: 0 });
  });

  it('wins when another worker takes the job over', async () => {
    const { id } = await accept();
    await claim(id);
    await stores.gateway.requestCancel(id);
    expect(await stores.worker.claim(id)).toMatchObject({ outcome: 'ended', job: { status: 'CANCELED', attempts: 1 } });
  });

  it('returns what has ended as it is', async () => {
    const { id } = await accept();
    const { lease } = await claim(id);
    await stores.worker.move(id, lease, { move: 'fail', error: failure, timings: [] });
    expect(await stores.gateway.requestCancel(id)).toMatchObject({ status: 'FAILED', cancelRequestedAt: null, seq: 3 });
  });
});

describe('pages', () => {
  const page = (caller: string, overrides: Partial<Parameters<typeof stores.gateway.page>[0]> = {}) =>
    stores.gateway.page({
      caller,
      first: 4,
      after: null,
      status: null,
      createdAfter: null,
      createdBefore: null,
      ...overrides,
    });

  it('gives each job once, newest first, though many are of one millisecond', async () => {
    const jobs = await Promise.all(Array.from({ length: 60 }, () => accept({ caller: 'pages' })));
    for (const { id } of jobs.filter((_, i) => i % 3 === 0)) await stores.gateway.requestCancel(id);
    const expected = [...jobs].sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1)).map(({ id }) => id);
    for (const status of [null, ['QUEUED', 'CANCELED'] as const]) {
      const seen: string[] = [];
      let after: { createdAt: number; id: string } | null = null;
      for (let more = true; more; ) {
        const got: Awaited<ReturnType<typeof page>> = await page('pages', { after, status: status && [...status] });
        seen.push(...got.jobs.map(({ id }) => id));
        after = got.jobs.at(-1) ?? null;
        more = got.more;
      }
      expect(seen).toEqual(expected);
    }
    const canceled = await page('pages', { first: 100, status: ['CANCELED'] });
    expect(canceled.jobs).toHaveLength(20);
    expect(canceled.jobs.every(({ status }) => status === 'CANCELED')).toBe(true);
  });

  it('A09: is cut short where jobs are large, and gives all of them page by page', async () => {
    const large = { graph: 'x'.repeat(990_000) };
    const jobs = [];
    for (let i = 0; i < 9; i++)
      jobs.push(await accept({ caller: 'large', parameters: i === 4 ? { prompt: 'x' } : large }));
    const seen: string[] = [];
    const lengths: number[] = [];
    let after: { createdAt: number; id: string } | null = null;
    for (let more = true; more; ) {
      const got: Awaited<ReturnType<typeof page>> = await page('large', { first: 100, after });
      seen.push(...got.jobs.map(({ id }) => id));
      lengths.push(got.jobs.length);
      after = got.jobs.at(-1) ?? null;
      more = got.more;
    }
    expect(seen).toEqual(jobs.map(({ id }) => id).reverse());
    expect(lengths).toEqual([5, 4]);
  });

  it('is bounded by creation', async () => {
    const first = await accept({ caller: 'bounded' });
    const after = await page('bounded', { createdAfter: first.createdAt + 1 });
    const before = await page('bounded', { createdBefore: first.createdAt });
    expect([after.jobs.length, before.jobs.length]).toEqual([0, 1]);
  });

  it('counts what is open', async () => {
    const own = await openStores(server.url);
    try {
      const first = newJob();
      await own.gateway.accept(first);
      await own.gateway.accept(newJob());
      await own.worker.claim(first.id);
      expect(await own.gateway.counts()).toMatchObject({ queued: 1, running: 1, oldestQueuedMs: expect.any(Number) });
    } finally {
      await own.close();
    }
  });
});
