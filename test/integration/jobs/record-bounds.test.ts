import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { anonymous } from '../../../src/callers/identity.ts';
import type { Job } from '../../../src/core/job.ts';
import { readLog } from '../../../src/job-record/redis/read-log.ts';
import { createRedisSweeperStore } from '../../../src/job-record/redis/redis-sweeper-store.ts';
import { infoValue } from '../../../src/redis/memory.ts';
import { newJob, openStores } from '../../support/gateway-store.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';
import { openUseCases } from '../../support/use-cases.ts';

let server: TestRedis;

beforeAll(async () => {
  server = await startTestRedis();
});
afterAll(() => server.close());

async function open(options: Parameters<typeof openStores>[1] = {}) {
  const stores = await openStores(server.url, options);
  onTestFinished(() => stores.close());
  const sweeper = createRedisSweeperStore(stores.redis, stores.keys, 86_400_000);
  const { redis, keys, gateway, worker } = stores;

  async function accept(overrides: Parameters<typeof newJob>[0] = {}): Promise<Job> {
    const accepted = await gateway.accept(newJob({ client: 'one', ...overrides }));
    if (accepted.outcome !== 'created') throw new Error(accepted.outcome);
    return accepted.job;
  }
  return {
    ...stores,
    sweeper,
    accept,
    async start(id: string): Promise<number> {
      const claimed = await worker.claim(id);
      if (claimed.outcome !== 'claimed') throw new Error(claimed.outcome);
      return claimed.job.lease;
    },
    bytes: async (jobs: 'open' | 'kept') => (await redis.hvals(keys.bytesOf(jobs))).map(Number),
  };
}

const failure = { code: 'EXECUTION_FAILED', message: 'no', nodeId: null, classType: null, retryable: false } as const;
const noProgress = { fraction: 1, nodesDone: 1, nodesTotal: 1, node: null };

/** As a caller's own of a megabyte: many nodes, much alike. */
const graph = Object.fromEntries(
  Array.from({ length: 4_000 }, (_, i) => [
    String(i),
    {
      class_type: 'KSampler',
      inputs: { seed: i * 7_919, steps: 20, cfg: 7.5, sampler_name: 'dpmpp_2m', scheduler: 'karras', model: ['4', 0] },
      _meta: { title: `Sampler ${i} of a caller whose graph is long, with a ü in its title` },
    },
  ]),
);

describe('B06 the jobs of one client', () => {
  it('end at their bound while they are open, alone, and have room again when some have ended', async () => {
    const { gateway, accept } = await open({ maxOpenBytes: 50_000 });
    const first = newJob({ client: 'one' });
    await gateway.accept(first);
    let refused: Awaited<ReturnType<typeof gateway.accept>> | undefined;
    for (let made = 1; made < 100 && !refused; made++) {
      const outcome = await gateway.accept(newJob({ client: 'one' }));
      if (outcome.outcome !== 'created') refused = outcome;
    }
    expect(refused).toEqual({ outcome: 'tooMany', jobs: 'open', bytes: expect.any(Number) });
    expect(refused).toHaveProperty('bytes', expect.closeTo(47_500, -4));

    expect(await gateway.accept(newJob({ client: 'another' }))).toMatchObject({ outcome: 'created' });
    expect(await gateway.accept(newJob({ client: null }))).toMatchObject({ outcome: 'created' });
    expect(await gateway.accept({ ...first, id: newJob().id })).toMatchObject({ outcome: 'replayed' });
    await gateway.requestCancel(first.id);
    await accept();
    expect(await gateway.accept(newJob({ client: 'one' }))).toMatchObject({ outcome: 'tooMany' });
  });

  it('a large graph counts for what it is', async () => {
    const { gateway, accept } = await open({ maxOpenBytes: 1_500_000 });
    await accept({ parameters: { graph } });
    expect(await gateway.accept(newJob({ client: 'one', parameters: { graph } }))).toMatchObject({
      outcome: 'tooMany',
    });
    await accept();
  });

  it('take no more of Redis than leaves room for others, also when each is canceled at once', async () => {
    const alone = await startTestRedis();
    onTestFinished(alone.close);
    const { redis, gateway, keys, ...stores } = await openStores(alone.url);
    onTestFinished(() => stores.close());
    const memory = async (name: string) =>
      Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(await redis.info('memory'))?.[1]);
    const roomBytes = 10_000_000;
    await redis.config('SET', 'maxmemory', Math.ceil(((await memory('used_memory')) + roomBytes) / 0.9));

    async function flood(client: string): Promise<{ made: string[]; refused: string }> {
      const made: string[] = [];
      let refused = '';
      async function one() {
        while (refused === '') {
          const accepted = await gateway.accept(newJob({ client, priority: 'HIGH' }));
          if (accepted.outcome !== 'created') refused = JSON.stringify(accepted);
          else {
            made.push(accepted.job.id);
            await gateway.requestCancel(accepted.job.id);
          }
        }
      }
      await Promise.all(Array.from({ length: 2 }, one));
      return { made, refused };
    }
    const first = await flood('one');
    expect(JSON.parse(first.refused)).toMatchObject({ outcome: 'tooMany', jobs: 'kept' });
    // Not because it was full: each other one has its share of what is left.
    const second = await flood('two');
    expect(JSON.parse(second.refused)).toMatchObject({ outcome: 'tooMany', jobs: 'kept' });
    expect(second.made.length).toBeGreaterThan(10);
    expect(second.made.length).toBeLessThan(first.made.length);
    expect(await gateway.accept(newJob({ client: 'three' }))).toMatchObject({ outcome: 'created' });
    expect(await memory('used_memory')).toBeLessThan(0.9 * (await memory('maxmemory')));

    await Promise.all(first.made.map((id) => gateway.remove(id)));
    expect(await redis.hlen(keys.bytesOf('kept'))).toBe(2);
    await vi.waitFor(async () => {
      expect(await gateway.accept(newJob({ client: 'one' }))).toMatchObject({ outcome: 'created' });
    });
  });

  it('are counted until they are gone, however they end, and by versions that do not count', async () => {
    const { redis, keys, gateway, worker, sweeper, accept, start, bytes } = await open();
    const jobs: Job[] = [];
    for (let i = 0; i < 6; i++) jobs.push(await accept({ parameters: { prompt: 'x'.repeat(100 * i) } }));
    const [canceled, succeeded, failed, expired, retried, old] = jobs.map(({ id }) => id) as [
      string,
      string,
      string,
      string,
      string,
      string,
    ];
    const sizes = await Promise.all(jobs.map(async ({ id }) => Number(await redis.hget(keys.job(id), 'bytes'))));
    const sum = sizes.reduce((all, each) => all + each, 0);
    expect([await bytes('open'), await bytes('kept')]).toEqual([[sum], [sum]]);

    await gateway.requestCancel(canceled);
    const lease = await start(succeeded);
    await worker.move(succeeded, lease, { move: 'succeed', artifacts: [], progress: noProgress, timings: [] });
    await worker.move(failed, await start(failed), { move: 'fail', error: failure, timings: [] });
    await sweeper.expire(expired, failure);
    await worker.move(retried, await start(retried), { move: 'retry', counts: true });
    const open2 = (sizes[4] ?? 0) + (sizes[5] ?? 0);
    expect([await bytes('open'), await bytes('kept')]).toEqual([[open2], [sum]]);

    // The previous version ends it: without the count.
    await redis.zrem(keys.open, old);
    await gateway.requestCancel(retried);
    for (const id of jobs.map((job) => job.id)) await gateway.remove(id);
    expect(await bytes('kept')).toEqual([]);
    expect(await bytes('open')).toEqual([sizes[5]]);
    const next = await accept();
    expect(await bytes('open')).toEqual([Number(await redis.hget(keys.job(next.id), 'bytes'))]);
  });
});

describe('B06 the graph of an ended job', () => {
  it('is packed, and read, listed and run again as it was', async () => {
    const { redis, keys, gateway, worker, sweeper, accept, bytes } = await open();
    const small = await accept();
    const template = await accept({ template: { hash: 'h', text: '{}' }, parameters: { prompt: 'x'.repeat(10_000) } });
    const parameters = { graph, name: 'ü' };
    const job = await accept({ workflow: 'custom', parameters });
    expect(await sweeper.unpacked(10)).toEqual([]);
    for (const { id } of [small, template, job]) await gateway.requestCancel(id);
    expect(await sweeper.unpacked(10)).toEqual([job.id]);

    const before = Number(await redis.call('MEMORY', 'USAGE', keys.job(job.id), 'SAMPLES', 0));
    const [keptBefore = 0] = await bytes('kept');
    // Twice, as by two gateways.
    await Promise.all([sweeper.pack(job.id), sweeper.pack(job.id)]);
    await sweeper.pack(job.id);
    expect(await sweeper.unpacked(10)).toEqual([]);
    const after = Number(await redis.call('MEMORY', 'USAGE', keys.job(job.id), 'SAMPLES', 0));
    expect(before).toBeGreaterThan(800_000);
    expect(after).toBeLessThan(before / 5);
    const [kept = 0] = await bytes('kept');
    expect(Math.abs(keptBefore - kept - (before - after))).toBeLessThan(0.3 * before);

    const text = JSON.stringify(parameters);
    for (const read of [await gateway.get(job.id), await worker.read(job.id)]) {
      expect(read).toMatchObject({ id: job.id, status: 'CANCELED', workflow: 'custom' });
      // Compared as text, since the difference of such objects cannot be read.
      expect(JSON.stringify(read?.parameters) === text).toBe(true);
    }
    const everything = { caller: 'anonymous', first: 10, after: null, status: null };
    const page = await gateway.page({ ...everything, createdAfter: null, createdBefore: null });
    expect(page.jobs.map(({ id }) => id)).toEqual([job.id, template.id, small.id]);
    expect(JSON.stringify(page.jobs[0]?.parameters) === text).toBe(true);
    await gateway.remove(job.id);
    expect(await sweeper.unpacked(10)).toEqual([]);
  });

  it('is counted by a page as large as it is read', async () => {
    const { gateway, sweeper, accept } = await open();
    for (let i = 0; i < 8; i++) {
      const { id } = await accept({ workflow: 'custom', parameters: { graph: 'x'.repeat(700_000) } });
      await gateway.requestCancel(id);
      await sweeper.pack(id);
    }
    const query = { caller: 'anonymous', first: 10, after: null, status: null };
    const page = await gateway.page({ ...query, createdAfter: null, createdBefore: null });
    expect(page.jobs.length).toBeLessThan(8);
    expect(page).toMatchObject({ more: true });
  });

  it('is not read again by whoever watches it after others', async () => {
    const { redis, keys, gateway, sweeper, accept } = await open();
    const { id } = await accept({ workflow: 'custom', parameters: { graph: randomBytes(200_000).toString('base64') } });
    await gateway.requestCancel(id);
    await sweeper.pack(id);
    const first = await readLog(redis, keys, id, 0);
    const sentBytes = async () => Number(infoValue(await redis.info('stats'), 'total_net_output_bytes'));
    const before = await sentBytes();
    for (let i = 0; i < 5; i++) {
      const again = await readLog(redis, keys, id, 0, first?.job.parameters);
      expect(again?.job).toEqual(first?.job);
      expect(again?.job.parameters).toBe(first?.job.parameters);
    }
    expect((await sentBytes()) - before).toBeLessThan(100_000);
  });

  it('is packed where it is gone meanwhile: nothing comes of it', async () => {
    const { redis, keys, sweeper } = await open();
    await redis.zadd(keys.unpacked, 1, 'gone');
    await sweeper.pack('gone');
    expect(await redis.exists(keys.job('gone'), keys.unpacked)).toBe(0);
  });
});

it('B06 what a client is refused says what to do, and a retry is counted as well', async () => {
  const cases = await openUseCases(server.url, { maxOpenBytes: 11_000 });
  onTestFinished(() => cases.close());
  const client = '192.0.2.1';
  const { job } = await cases.generate({ client });
  await cases.generate({ client });
  await cases.jobs.cancel(anonymous, job.id);
  const again = { identity: anonymous, requestId: 'test', client, id: job.id, idempotencyKey: randomUUID() };
  await cases.jobs.retry(again);
  const refusal = {
    details: { code: 'LIMIT_EXCEEDED' },
    message: expect.stringMatching(/have not ended take 1 MB.*wait until some have ended, or cancel some$/),
  };
  await expect(cases.generate({ client })).rejects.toMatchObject(refusal);
  await expect(cases.jobs.retry({ ...again, idempotencyKey: randomUUID() })).rejects.toMatchObject(refusal);
  expect(await cases.generate({ client: '192.0.2.2' })).toMatchObject({ replayed: false });
  // Its address is in no key and no value.
  const kept = await cases.redis.hgetall(cases.keys.job(job.id));
  expect(JSON.stringify([kept, await cases.redis.hgetall(cases.keys.bytesOf('open'))])).not.toContain(client);
});
