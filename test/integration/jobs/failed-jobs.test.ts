import { setTimeout as delay } from 'node:timers/promises';
import { v7 } from 'uuid';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { anonymous } from '../../../src/callers/identity.ts';
import { parseSince } from '../../../src/cli/since.ts';
import { type JobErrorCode, jobErrorCodes, retryableErrorCodes } from '../../../src/core/job.ts';
import { createRedisFailedJobs } from '../../../src/job-record/redis/redis-failed-jobs.ts';
import { createRedisHandover } from '../../../src/job-record/redis/redis-handover.ts';
import { createJobOperator, type JobOperatorOptions, type RetryResult } from '../../../src/jobs/job-operator.ts';
import { callerNamed } from '../../support/identities.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';
import { openUseCases, type UseCases } from '../../support/use-cases.ts';

let server: TestRedis;
let product: UseCases;

beforeAll(async () => {
  server = await startTestRedis();
});
afterAll(() => server.close());
beforeEach(async () => {
  product = await openUseCases(server.url);
});
afterEach(() => product.close());

const createOperator = (changes: Partial<JobOperatorOptions> = {}) =>
  createJobOperator({
    index: createRedisFailedJobs(product.redis, product.keys),
    handover: createRedisHandover(product.redis, product.keys),
    store: product.gateway,
    queue: product.queue,
    checks: [],
    deadlineMs: 3_600_000,
    newId: () => v7(),
    requestId: 'operator',
    ...changes,
  });

async function failed(code: JobErrorCode, request: Parameters<UseCases['generate']>[0] = {}) {
  const { job } = await product.generate(request);
  const claimed = await product.worker.claim(job.id);
  if (claimed.outcome !== 'claimed') throw new Error(claimed.outcome);
  const { lease } = claimed.job;
  await product.worker.move(job.id, lease, { move: 'submit', submission: { number: 1, backend: 'gpu1', client: 'c' } });
  const error = { code, message: `it was ${code}`, nodeId: null, classType: null, retryable: true };
  await product.worker.move(job.id, lease, { move: 'fail', error, timings: [] });
  return job;
}

async function list(query: Partial<Parameters<ReturnType<typeof createOperator>['failed']>[0]> = {}, limit = 1_000) {
  const all = { codes: retryableErrorCodes, since: null, until: null, order: 'newest first', ...query } as const;
  return collect(createOperator().failed(all, limit));
}
async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
const idsOf = (jobs: { id: string }[]) => jobs.map(({ id }) => id);

async function retry(ids: string[], dryRun = false): Promise<RetryResult[]> {
  return collect(createOperator().retry(ids, { dryRun }));
}

const retryOf = (result: RetryResult | undefined) => (result && 'retry' in result ? String(result.retry) : '');

describe('the index of failed jobs', () => {
  it('has those of all callers by the time of their end, each under its code', async () => {
    const first = await failed('STORAGE_FULL', { identity: callerNamed('a') });
    // However quick the machine is, they end at different times.
    await delay(5);
    const second = await failed('TIMEOUT', { identity: callerNamed('b') });
    const theirs = await failed('EXECUTION_FAILED');
    await (await product.start((await product.generate()).job.id)).succeed();
    expect(await list()).toEqual([
      {
        id: second.id,
        caller: 'b',
        workflow: 'textToImage',
        error: expect.objectContaining({ code: 'TIMEOUT', message: 'it was TIMEOUT' }),
        attempts: 1,
        backend: 'gpu1',
        retryOf: null,
        createdAt: second.createdAt,
        finishedAt: expect.any(Number),
      },
      expect.objectContaining({ id: first.id, caller: 'a' }),
    ]);
    expect(idsOf(await list({ codes: jobErrorCodes }))).toEqual([theirs.id, second.id, first.id]);
    expect(idsOf(await list({ codes: ['STORAGE_FULL'], order: 'oldest first' }))).toEqual([first.id]);
    const [{ finishedAt } = { finishedAt: Number.NaN }] = await list({ codes: ['TIMEOUT'] });
    expect(idsOf(await list({ since: finishedAt }))).toEqual([second.id]);
    expect(idsOf(await list({ until: finishedAt - 1 }))).toEqual([first.id]);
    expect(idsOf(await list({}, 1))).toEqual([second.id]);
  });

  it('has what passed its deadline, and nothing that was canceled', async () => {
    const { job } = await product.generate();
    await product.jobs.cancel(anonymous, job.id);
    expect(await list({ codes: jobErrorCodes })).toEqual([]);
  });

  it.each(['newest first', 'oldest first'] as const)(
    'gives all once over many pages, also of one millisecond: %s',
    async (order) => {
      const ids = idsOf(await Promise.all(Array.from({ length: 230 }, () => failed('INTERNAL'))));
      const moment = (id: string) => (ids.indexOf(id) < 215 ? 5_000 : 5_000 + ids.indexOf(id));
      const index = product.redis.pipeline();
      for (const id of ids) index.zadd(product.keys.failed('INTERNAL'), moment(id), id);
      await index.exec();
      const given = idsOf(await list({ order }));
      const sign = order === 'newest first' ? -1 : 1;
      expect(given).toEqual(ids.toSorted((a, b) => sign * (moment(a) - moment(b) || (a < b ? -1 : 1))));
    },
  );

  it('forgets a job with its record, also one that a gateway of an earlier version has removed', async () => {
    const [deleted, removed] = [await failed('TIMEOUT'), await failed('INTERNAL')];
    await product.jobs.remove(anonymous, deleted.id);
    expect(await product.redis.exists(product.keys.failed('TIMEOUT'))).toBe(0);
    await product.redis.del(product.keys.job(removed.id));
    expect(await list()).toEqual([]);
    expect(await product.redis.exists(product.keys.failed('INTERNAL'))).toBe(0);
  });

  it('forgets a job that its caller has run again', async () => {
    const { id } = await failed('TIMEOUT');
    await product.jobs.retry({ identity: anonymous, requestId: 'r', id, idempotencyKey: 'mine' });
    expect(await list()).toEqual([]);
  });
});

describe('running failed jobs again', () => {
  it('makes one job of each for its caller, however often and from how many sides', async () => {
    const old = [];
    for (let i = 0; i < 45; i++)
      old.push(await failed('STORAGE_UNAVAILABLE', { identity: callerNamed(`caller${i % 3}`), tags: ['t'] }));
    const ids = idsOf(old);
    const runs = await Promise.all([retry(ids), retry(ids), retry(ids)]);
    for (const [i, { id, caller, parameters }] of old.entries()) {
      const results = runs.map((run) => run[i]);
      expect(results.filter((result) => result?.outcome === 'retried')).toHaveLength(1);
      const made = results.map((result) => result && 'retry' in result && result.retry);
      expect(new Set(made).size).toBe(1);
      const job = await product.gateway.get(String(made[0]));
      expect(job).toMatchObject({
        caller,
        parameters,
        tags: ['t'],
        retryOf: id,
        status: 'QUEUED',
        requestId: 'operator',
      });
      expect(await createOperator().show(id)).toMatchObject({ job: { id }, retriedAs: made[0] });
    }
    expect(await list()).toEqual([]);
    expect(await product.redis.zcard(product.keys.status('QUEUED'))).toBe(45);
    expect((await retry(ids)).every(({ outcome }) => outcome === 'already-retried')).toBe(true);
  });

  it('remembers what it has run again for as long as the failed job is kept', async () => {
    const retentionMs = 30 * 86_400_000;
    const longer = await openUseCases(server.url, { retentionMs });
    [product] = [longer, await product.close()];
    const { id } = await failed('INTERNAL');
    await retry([id]);
    const lives = await Promise.all(
      (await product.redis.keys(`${product.keys.tag}idem:*`)).map((key) => product.redis.pttl(key)),
    );
    expect(Math.max(...lives)).toBeGreaterThan(retentionMs - 60_000);
  });

  it('runs what has failed again once more, as a job of its own', async () => {
    const { id } = await failed('INTERNAL');
    const [first] = await retry([id]);
    const retried = retryOf(first);
    const claimed = await product.worker.claim(retried);
    if (claimed.outcome !== 'claimed') throw new Error(claimed.outcome);
    const error = { code: 'INTERNAL', message: 'again', nodeId: null, classType: null, retryable: true } as const;
    await product.worker.move(retried, claimed.job.lease, { move: 'fail', error, timings: [] });
    expect(idsOf(await list())).toEqual([retried]);
    expect(await retry([retried])).toEqual([{ id: retried, outcome: 'retried', retry: expect.any(String) }]);
    expect((await retry([id]))[0]).toMatchObject({ outcome: 'already-retried', retry: retried });
  });

  it('skips jobs that their callers have run again meanwhile; a job named by its id runs again', async () => {
    const [theirs, other] = [await failed('TIMEOUT'), await failed('TIMEOUT')];
    const listed = idsOf(await list({ order: 'oldest first' }));
    await product.jobs.retry({ identity: anonymous, requestId: 'r', id: theirs.id, idempotencyKey: 'mine' });
    const bulk = () => collect(createOperator().retry(listed, { dryRun: false, onlyListed: true }));
    expect(await bulk()).toEqual([
      { id: theirs.id, outcome: 'already-retried', retry: null },
      { id: other.id, outcome: 'retried', retry: expect.any(String) },
    ]);
    expect(await product.redis.zcard(product.keys.status('QUEUED'))).toBe(2);
    expect(await bulk()).toMatchObject([{ retry: null }, { outcome: 'already-retried', retry: expect.any(String) }]);
    expect(await retry([theirs.id])).toMatchObject([{ outcome: 'retried' }]);
    expect(await product.redis.zcard(product.keys.status('QUEUED'))).toBe(3);
  });

  it('meets no key of a caller', async () => {
    const { id } = await failed('INTERNAL');
    await product.generate({ idempotencyKey: `retry:${id}` });
    await expect(product.generate({ idempotencyKey: `\u0000retry:${id}` })).rejects.toMatchObject({
      details: { code: 'BAD_USER_INPUT' },
    });
    expect(await retry([id])).toMatchObject([{ outcome: 'retried' }]);
  });

  it('says of each that cannot be why, and goes on with the others; a dry run changes nothing', async () => {
    const { job: open } = await product.generate();
    const kept = await failed('TIMEOUT');
    const lost = await failed('TIMEOUT');
    await product.redis.hset(product.keys.job(lost.id), 'template', 'gone');
    const gone = v7();
    const before = await failed('TIMEOUT');
    const [made] = await retry([before.id]);
    const ids = [open.id, lost.id, gone, before.id, kept.id];
    const told = [
      { id: open.id, outcome: 'refused', reason: 'the job is QUEUED, not FAILED' },
      { id: lost.id, outcome: 'refused', reason: expect.stringContaining('textToImage is no longer kept') },
      { id: gone, outcome: 'refused', reason: expect.stringContaining('no such job') },
      { ...made, outcome: 'already-retried' },
    ];
    expect(await retry(ids, true)).toEqual([...told, { id: kept.id, outcome: 'would-retry' }]);
    expect(idsOf(await list())).toEqual([lost.id, kept.id]);
    expect(await retry(ids)).toEqual([...told, { id: kept.id, outcome: 'retried', retry: expect.any(String) }]);
    expect(idsOf(await list())).toEqual([lost.id]);
  });

  it.each([true, false])(
    'says why a job cannot be run now, or that its retry was deleted: dry run %s',
    async (dryRun) => {
      const { id } = await failed('INTERNAL');
      const issue = { path: ['id'], message: 'no server has the model', code: 'not_a_choice' as const };
      const refusing = createOperator({ checks: [async () => [issue]] });
      expect(await collect(refusing.retry([id], { dryRun }))).toEqual([
        { id, outcome: 'refused', reason: expect.stringContaining('no server has the model') },
      ]);
      const [made] = await retry([id]);
      const retried = retryOf(made);
      expect(await collect(refusing.retry([id], { dryRun }))).toEqual([
        { id, outcome: 'already-retried', retry: retried },
      ]);
      await product.jobs.cancel(anonymous, retried);
      await product.jobs.remove(anonymous, retried);
      expect(await retry([id], dryRun)).toEqual([
        { id, outcome: 'refused', reason: 'it was run again before, and that job was deleted' },
      ]);
    },
  );

  it('tells what became of each before it breaks off', async () => {
    const [first, broken, last] = [await failed('INTERNAL'), await failed('INTERNAL'), await failed('INTERNAL')];
    const get = async (id: string) => {
      if (id === broken.id) throw new Error('away');
      return product.gateway.get(id);
    };
    const told: RetryResult[] = [];
    const retrying = createOperator({ store: { ...product.gateway, get } }).retry([first.id, broken.id, last.id], {
      dryRun: false,
    });
    await expect(
      (async () => {
        for await (const result of retrying) told.push(result);
      })(),
    ).rejects.toThrow('away');
    expect(told).toMatchObject([
      { id: first.id, outcome: 'retried' },
      { id: last.id, outcome: 'retried' },
    ]);
    expect(idsOf(await list())).toEqual([broken.id]);
  });

  it('stops where none can be accepted', async () => {
    const { id } = await failed('COMFYUI_UNAVAILABLE');
    await product.redis.set(product.keys.seen, Date.now() - 3_600_000);
    await expect(retry([id])).rejects.toMatchObject({ details: { code: 'UNAVAILABLE' } });
    expect(idsOf(await list())).toEqual([id]);
  });
});

describe('a point in time', () => {
  it.each([
    ['90s', 1_000_000 - 90_000],
    ['2h', 1_000_000 - 7_200_000],
    ['7d', 1_000_000 - 604_800_000],
    ['1970-01-01T00:00:05Z', 5_000],
    ['1970-01-01T02:00:05.5+02:00', 5_500],
  ])('%s is understood', (text, at) => {
    expect(parseSince(text)?.(1_000_000)).toBe(at);
  });
  it.each(['', '2', 'h', '-2h', '2 h', 'yesterday', '2026-03-01', '2026-03-01T02:00:00', '9999999d'])(
    '%o is not',
    (text) => {
      expect(parseSince(text)).toBeNull();
    },
  );
});
