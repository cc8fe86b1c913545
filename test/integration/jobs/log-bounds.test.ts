import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { noProgress } from '../../../src/core/job.ts';
import { readLog } from '../../../src/job-record/redis/read-log.ts';
import { CHANGES_LIFE_MS } from '../../../src/redis/keys.ts';
import { newJob, openStores } from '../../support/gateway-store.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';

/** Redis cuts whole nodes of its own, of a hundred entries, so that a log is a little longer than its bound. */
const NODE = 100;

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

/** So many events in a log, as many jobs leave them. */
async function fill(key: string, count: number, id: (i: number) => string = () => '*') {
  const pipeline = stores.redis.pipeline();
  for (let i = 0; i < count; i++) pipeline.xadd(key, id(i), 'type', 'PROGRESS', 'at', 1);
  await pipeline.exec();
  expect(await stores.redis.xlen(key)).toBeGreaterThanOrEqual(count);
}

async function accept() {
  const accepted = await stores.gateway.accept(newJob());
  if (accepted.outcome !== 'created') throw new Error(accepted.outcome);
  return accepted.job.id;
}

it('the changes of a caller are a thousand at most, by what is accepted and by what happens to a job', async () => {
  const changes = stores.keys.changes('anonymous');
  const id = await accept();
  await fill(changes, 1_500);
  await accept();
  expect(await stores.redis.xlen(changes)).toBeLessThanOrEqual(1_000 + NODE);
  await fill(changes, 1_500);
  await stores.worker.claim(id);
  expect(await stores.redis.xlen(changes)).toBeLessThanOrEqual(1_000 + NODE);
  const [[, fields] = []] = await stores.redis.xrevrange(changes, '+', '-', 'COUNT', 1);
  expect(fields).toEqual(expect.arrayContaining(['id', id, 'type', 'STARTED']));
});

it('they go by themselves, a while behind the last one, whatever that was', async () => {
  const changes = stores.keys.changes('anonymous');
  const id = await accept();
  for (const happens of [accept, () => stores.worker.claim(id)]) {
    await stores.redis.persist(changes);
    await happens();
    const life = await stores.redis.pttl(changes);
    expect(life).toBeGreaterThan(CHANGES_LIFE_MS / 2);
    expect(life).toBeLessThanOrEqual(CHANGES_LIFE_MS);
  }
});

it('the events of a job are five thousand at most', async () => {
  const id = await accept();
  const claimed = await stores.worker.claim(id);
  if (claimed.outcome !== 'claimed') throw new Error(claimed.outcome);
  const { lease, seq } = claimed.job;
  const events = stores.keys.events(id);
  await fill(events, 6_000, (i) => `${seq + 1 + i}-0`);
  await stores.redis.hset(stores.keys.job(id), 'seq', seq + 6_000);
  await stores.worker.move(id, lease, { move: 'progress', progress: noProgress });
  expect(await stores.redis.xlen(events)).toBeLessThanOrEqual(5_000 + NODE);
  const [[last] = []] = await stores.redis.xrevrange(events, '+', '-', 'COUNT', 1);
  expect(last).toBe(`${seq + 6_001}-0`);
});

it('a log reaches back to a number when it holds the next event, and not when one is missing', async () => {
  const id = await accept();
  const claimed = await stores.worker.claim(id);
  if (claimed.outcome !== 'claimed') throw new Error(claimed.outcome);
  const { lease } = claimed.job;
  for (let i = 0; i < 4; i++) await stores.worker.move(id, lease, { move: 'progress', progress: noProgress });
  const { redis, keys } = stores;
  await redis.xtrim(keys.events(id), 'MINID', '4-0');
  const behind = async (seq: number) =>
    (await readLog(redis, keys, id, seq))?.events?.map((event) => event.seq) ?? null;
  expect(await Promise.all([2, 3, 4, 6, 7].map(behind))).toEqual([null, [4, 5, 6], [5, 6], [], null]);
});
