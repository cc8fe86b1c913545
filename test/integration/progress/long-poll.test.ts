import { v7 } from 'uuid';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { anonymous } from '../../../src/callers/identity.ts';
import { callerNamed } from '../../support/identities.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';
import { timed } from '../../support/stopwatch.ts';
import { openUseCases, picture, type UseCases } from '../../support/use-cases.ts';

const MAX_HELD = 20;
let server: TestRedis;
let product: UseCases;

beforeAll(async () => {
  server = await startTestRedis();
});
afterAll(() => server.close());
beforeEach(async () => {
  product = await openUseCases(server.url, { maxHeld: MAX_HELD });
});
afterEach(() => product.close());

const get = (id: string, waitSeconds: number | null, signal = new AbortController().signal) =>
  product.jobs.get(anonymous, id, { waitSeconds, signal });

/** The job that a call is about which has not been answered yet. */
async function accepted(): Promise<string> {
  const [id] = await vi.waitFor(async () => {
    const ids = await product.redis.zrange(product.keys.open, 0, -1);
    expect(ids).toHaveLength(1);
    return ids;
  });
  return id ?? '';
}

const nothingHeld = () =>
  vi.waitFor(() => {
    expect(product.longPoll.count()).toBe(0);
    expect(product.feed.stats()).toEqual({ watchers: 0, jobs: 0 });
  });

describe('an answer that is held', () => {
  it('goes out when the job has ended, with its results', async () => {
    const call = timed(product.generate({ waitSeconds: 60 }));
    const running = await product.start(await accepted());
    await vi.waitFor(() => expect(product.feed.stats().watchers).toBe(1));
    await running.succeed();
    const { answer, ms } = await call;
    expect(answer).toMatchObject({ replayed: false, job: { status: 'SUCCEEDED', artifacts: [picture] } });
    expect(answer.job).toEqual(await product.gateway.get(answer.job.id));
    expect(ms).toBeLessThan(5_000);
    await nothingHeld();
  });

  it.each(['succeed', 'fail'] as const)('is the same for `job`, which may %s', async (end) => {
    const { job } = await product.generate();
    const running = await product.start(job.id);
    const call = get(job.id, 60);
    await vi.waitFor(() => expect(product.feed.stats().watchers).toBe(1));
    await running[end]();
    expect(await call).toEqual(await product.gateway.get(job.id));
    expect((await call)?.finishedAt).not.toBeNull();
    expect((await timed(get(job.id, 60))).ms).toBeLessThan(1_000);
    await nothingHeld();
  });

  it('goes out when the time is over, with the job as it is then', async () => {
    const { job } = await product.generate();
    // So long that the job is taken meanwhile, on a machine that stands still for two seconds, too.
    const began = performance.now();
    const call = timed(get(job.id, 3));
    await vi.waitFor(() => expect(product.feed.stats().watchers).toBe(1));
    await product.start(job.id);
    const { answer, ms } = await call;
    expect(answer).toEqual(await product.gateway.get(job.id));
    expect(answer?.status).toBe('RUNNING');
    expect(performance.now() - began).toBeGreaterThan(2_990);
    expect(ms).toBeLessThan(5_000);
    await nothingHeld();
  });

  it('is not held at all by 0 or null, nor where there is no such job', async () => {
    const { job } = await product.generate({ waitSeconds: 0 });
    expect(job.status).toBe('QUEUED');
    expect((await get(job.id, null))?.status).toBe('QUEUED');
    expect(await get(v7(), 60)).toBeNull();
    const wait = { waitSeconds: 60, signal: AbortSignal.timeout(1e6) };
    expect(await product.jobs.get(callerNamed('someone else'), job.id, wait)).toBeNull();
  });

  it('is bounded to 60 s, and how long is no part of what the key stands for', async () => {
    const issues = [{ path: ['input', 'waitSeconds'], message: 'expected 0 to 60 seconds', code: expect.any(String) }];
    for (const waitSeconds of [-1, 61]) {
      await expect(product.generate({ waitSeconds })).rejects.toMatchObject({
        details: { code: 'BAD_USER_INPUT', issues },
      });
    }
    const { job } = await product.generate({ idempotencyKey: 'same' });
    await product.jobs.cancel(anonymous, job.id);
    const again = await product.generate({ idempotencyKey: 'same', waitSeconds: 60 });
    expect(again).toMatchObject({ replayed: true, job: { id: job.id, status: 'CANCELED' } });
  });

  it('replays and waits on, so that a call whose answer was lost is sent again as it was', async () => {
    const { job } = await product.generate({ idempotencyKey: 'lost' });
    const again = product.generate({ idempotencyKey: 'lost', waitSeconds: 60 });
    await vi.waitFor(() => expect(product.feed.stats().watchers).toBe(1));
    await (await product.start(job.id)).succeed();
    expect(await again).toMatchObject({ replayed: true, job: { id: job.id, status: 'SUCCEEDED' } });
  });

  it('is null for a job that is removed meanwhile', async () => {
    const { job } = await product.generate();
    const call = get(job.id, 60);
    await vi.waitFor(() => expect(product.feed.stats().watchers).toBe(1));
    await product.gateway.remove(job.id);
    expect(await call).toBeNull();
    await nothingHeld();
  });
});

describe('those who wait', () => {
  it('are let go at once when their client leaves, also before the job is there', async () => {
    const { job } = await product.generate();
    const leaving = new AbortController();
    const call = timed(get(job.id, 60, leaving.signal));
    await vi.waitFor(() => expect(product.feed.stats().watchers).toBe(1));
    leaving.abort();
    expect((await call).ms).toBeLessThan(5_000);
    expect((await timed(get(job.id, 60, leaving.signal))).ms).toBeLessThan(1_000);
    await nothingHeld();
  });

  it('are let go when the gateway stops, with the job as it is; later ones are not held', async () => {
    const { job } = await product.generate();
    const calls = [get(job.id, 60), product.generate({ waitSeconds: 60 })];
    await vi.waitFor(() => expect(product.feed.stats().watchers).toBe(2));
    product.longPoll.close();
    const [seen, made] = await Promise.all(calls);
    expect(seen).toMatchObject({ id: job.id, status: 'QUEUED' });
    expect(made).toMatchObject({ job: { status: 'QUEUED' } });
    expect(await get(job.id, 60)).toMatchObject({ status: 'QUEUED' });
    await nothingHeld();
  });

  it('are so many at most; one more is refused before anything is accepted', async () => {
    const { job } = await product.generate();
    const calls = Array.from({ length: MAX_HELD }, () => get(job.id, 60));
    await vi.waitFor(() => expect(product.feed.stats().watchers).toBe(MAX_HELD));
    const limit = { details: { code: 'LIMIT_EXCEEDED' } };
    await expect(product.generate({ idempotencyKey: 'free', waitSeconds: 1 })).rejects.toMatchObject(limit);
    await expect(get(job.id, 1)).rejects.toMatchObject(limit);
    expect((await get(job.id, 0))?.status).toBe('QUEUED');
    expect(await product.generate({ idempotencyKey: 'free', tags: ['other'] })).toMatchObject({ replayed: false });
    await (await product.start(job.id)).succeed();
    for (const seen of await Promise.all(calls)) expect(seen?.status).toBe('SUCCEEDED');
    await nothingHeld();
    const { job: next } = await product.generate();
    await product.jobs.cancel(anonymous, next.id);
    expect((await get(next.id, 60))?.status).toBe('CANCELED');
  });
});

describe('while Redis is away', () => {
  it('B14 a wait goes on, and one that begins waits for Redis too; a short one is told UNAVAILABLE', async () => {
    const { job } = await product.generate();
    const running = await product.start(job.id);
    const call = get(job.id, 60);
    const short = timed(get(job.id, 4));
    await vi.waitFor(() => expect(product.feed.stats().watchers).toBe(2));
    await server.kill();
    const late = get(job.id, 60);
    const leaving = new AbortController();
    const left = timed(get(job.id, 60, leaving.signal).catch(() => null));
    const hasty = expect(get(job.id, 1)).rejects.toMatchObject({ details: { code: 'UNAVAILABLE' } });
    await hasty;
    leaving.abort();
    expect((await left).ms).toBeLessThan(5_000);
    expect((await short).answer?.status).toBe('RUNNING');
    expect((await short).ms).toBeLessThan(6_000);
    await server.restart();
    await running.succeed();
    expect(await call).toMatchObject({ status: 'SUCCEEDED', artifacts: [picture] });
    expect(await late).toMatchObject({ status: 'SUCCEEDED', artifacts: [picture] });
    await nothingHeld();
  });

  it('B14 a job that was accepted before Redis went is waited for when Redis is back', async () => {
    // The wait begins when the job is there: then its channel cannot be subscribed.
    const pausing = vi.spyOn(product.feed, 'watch').mockImplementationOnce(async (request) => {
      pausing.mockRestore();
      server.pause();
      const events = await product.feed.watch(request);
      server.resume();
      return events;
    });
    const call = product.generate({ idempotencyKey: 'paused', waitSeconds: 60 });
    const id = await accepted();
    await (await product.start(id)).succeed();
    expect(await call).toMatchObject({ replayed: false, job: { id, status: 'SUCCEEDED' } });
  });
});
