import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { readJobs } from '../../../src/job-record/redis/job-page.ts';
import { newJob, openStores } from '../../support/gateway-store.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';

const DAY_MS = 86_400_000;

let server: TestRedis;
let stores: Awaited<ReturnType<typeof openStores>>;

beforeAll(async () => {
  server = await startTestRedis();
});
afterAll(() => server.close());
beforeEach(async () => {
  stores = await openStores(server.url);
});
afterEach(() => stores.close());

async function accept(overrides: Parameters<typeof newJob>[0] = {}) {
  const accepted = await stores.gateway.accept(newJob(overrides));
  if (accepted.outcome !== 'created') throw new Error(accepted.outcome);
  return accepted.job;
}

async function claim(id: string) {
  const claimed = await stores.worker.claim(id);
  if (claimed.outcome !== 'claimed') throw new Error(claimed.outcome);
  return claimed.job;
}

it('a key is kept for as long as its job may run, and never for less than its own time', async () => {
  const { redis, keys } = stores;
  const life = async (deadlineMs: number) => {
    const job = newJob({ deadlineMs });
    await stores.gateway.accept(job);
    const hash = createHash('sha256').update(job.idempotencyKey).digest('hex');
    return redis.pttl(keys.idempotency(job.caller, hash));
  };
  for (const [deadlineMs, lifeMs] of [
    [60_000, DAY_MS],
    [7 * DAY_MS, 7 * DAY_MS],
  ] as const) {
    const left = await life(deadlineMs);
    expect(left).toBeLessThanOrEqual(lifeMs);
    expect(left).toBeGreaterThan(lifeMs - 60_000);
  }
});

it('says when a job was begun first, and when it was begun last', async () => {
  const { id } = await accept();
  const first = await claim(id);
  await stores.worker.move(id, first.lease, { move: 'retry', counts: true });
  // As if a minute had passed since.
  const { redis, keys } = stores;
  const begunAt = Number(first.startedAt) - 60_000;
  await redis.hset(keys.job(id), 'startedAt', begunAt, 'claimedAt', begunAt);
  const second = await claim(id);
  expect(second.startedAt).toBe(begunAt);
  expect(second.claimedAt).toBeGreaterThan(begunAt);
});

it('a lease that was given back is lost, though nobody else has taken the job', async () => {
  const { id } = await accept();
  const { lease } = await claim(id);
  expect(await stores.worker.lease(id, lease)).toMatchObject({ state: 'held' });
  await stores.worker.move(id, lease, { move: 'retry', counts: false });
  expect(await stores.worker.lease(id, lease)).toEqual({ state: 'lost' });
});

it('a cancel that was asked for is asked for once: the second one is no event', async () => {
  const { id } = await accept();
  await claim(id);
  const asked = await stores.gateway.requestCancel(id);
  expect(asked).toMatchObject({ status: 'RUNNING', cancelRequestedAt: expect.any(Number) });
  expect(await stores.gateway.requestCancel(id)).toEqual(asked);
  const log = await stores.redis.xrange(stores.keys.events(id), '-', '+');
  expect(log.map(([, fields]) => fields[1])).toEqual(['QUEUED', 'STARTED', 'CANCEL_REQUESTED']);
});

it('a page gives a first job of any size, and those behind it as far as four megabytes go', async () => {
  const { redis, keys } = stores;
  const jobOf = async (bytes: number) => {
    const { id } = await accept();
    // Of the rest `{"a":""}` takes eight, and no artifacts two.
    await redis.hset(keys.job(id), 'parameters', JSON.stringify({ a: 'x'.repeat(bytes - 10) }));
    return id;
  };
  const [huge, half, rest, more] = [
    await jobOf(5_000_000),
    await jobOf(2_000_000),
    await jobOf(2_000_000),
    await jobOf(11),
  ];
  const read = async (...ids: string[]) => {
    const page = await readJobs(redis, keys, ids);
    expect(page.read).toBe(page.jobs.length);
    return page.jobs.map(({ id }) => id);
  };
  expect(await read(huge, half)).toEqual([huge]);
  expect(await read(half, rest)).toEqual([half, rest]);
  expect(await read(half, rest, more)).toEqual([half, rest]);
  expect(await read(half, huge, rest)).toEqual([half]);
  // Packed parameters count as what they are when they have been read.
  await redis.hset(keys.job(more), 'unpackedBytes', 2_000_000);
  expect(await read(half, more, rest)).toEqual([half]);
  await redis.del(keys.job(rest));
  expect(await readJobs(redis, keys, [half, rest])).toMatchObject({ jobs: [{ id: half }], read: 2 });
  expect(await readJobs(redis, keys, [])).toEqual({ jobs: [], read: 0 });
});
