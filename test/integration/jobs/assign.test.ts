import { v7 } from 'uuid';
import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished } from 'vitest';
import { anonymous, type Identity } from '../../../src/callers/identity.ts';
import { createPlans, noPlan } from '../../../src/callers/plans.ts';
import { createRedisHandover } from '../../../src/job-record/redis/redis-handover.ts';
import { type AssignRequest, createAssignJobs } from '../../../src/jobs/assign-jobs.ts';
import { createRedisUploads } from '../../../src/uploads/redis/redis-uploads.ts';
import { callerNamed } from '../../support/identities.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';
import { reservations } from '../../support/reservations.ts';
import { openUseCases, type UseCases } from '../../support/use-cases.ts';

let server: TestRedis;
let product: UseCases;
const shop = callerNamed('shop');
const filter = { status: null, workflow: null, tag: null, createdAfter: null, createdBefore: null };
const file = { filename: 'a.png', contentType: 'image/png', sizeBytes: 3 };

beforeAll(async () => {
  server = await startTestRedis();
});
afterAll(() => server.close());
beforeEach(async () => {
  product = await openUseCases(server.url);
  onTestFinished(() => product.close());
});

async function assign(changes: Partial<AssignRequest> = {}, most = Number.POSITIVE_INFINITY) {
  const handover = createRedisHandover(product.redis, product.keys);
  const all = [];
  const request = { from: 'anonymous', to: 'shop', since: null, dryRun: false, ...changes };
  for await (const result of createAssignJobs({ handover, store: product.gateway })(request)) {
    if (all.push(result) >= most) break;
  }
  return all;
}
const listed = async (identity = shop, changes: Partial<typeof filter> = {}) =>
  (await product.jobs.list({ identity, first: 100, after: null, filter: { ...filter, ...changes } })).edges.map(
    ({ job }) => job.id,
  );

it('hands over what a caller has: lists, keys, uploads, and what happens to its jobs from then on', async () => {
  const uploads = createRedisUploads(product.redis, product.keys);
  const upload = v7();
  await uploads.add({ id: upload, caller: 'anonymous', ...file }, 60_000);
  const input = { prompt: 'x', image: { upload } };
  const queued = await product.generate({ idempotencyKey: 'mine', workflow: { name: 'imageToImage', input } });
  const ended = (await product.generate()).job.id;
  await (await product.start(ended)).succeed();
  const { id } = queued.job;
  const events = await product.changes.watch({ identity: shop, filter });
  const before = await product.changes.watch({ identity: anonymous, filter });

  const results = await assign();
  expect(results).toEqual([
    { id, outcome: 'assigned' },
    { id: ended, outcome: 'assigned' },
    { outcome: 'keys', count: 2 },
  ]);
  expect(await listed()).toEqual([ended, id]);
  expect(await listed(anonymous)).toEqual([]);
  const { redis, keys } = product;
  for (const status of [undefined, 'QUEUED', 'SUCCEEDED']) {
    expect(await redis.exists(keys.jobs('anonymous', status)), status).toBe(0);
  }
  expect(await listed(shop, { status: ['SUCCEEDED'] as never })).toEqual([ended]);
  expect(await product.jobs.get(anonymous, id)).toBeNull();
  expect((await uploads.get(upload))?.caller).toBe('shop');
  const again = { idempotencyKey: 'mine', workflow: { name: 'imageToImage', input } };
  expect(await product.generate({ ...again, identity: shop })).toMatchObject({ replayed: true, job: { id } });
  expect(await product.generate(again)).toMatchObject({ replayed: false });
  await product.jobs.cancel(shop, id);
  const seen = [];
  for (let i = 0; i < 3; i++) seen.push((await events.next()).value);
  expect(seen.map(({ type, job }) => [type, job.id])).toEqual([
    ['SNAPSHOT', id],
    ['SNAPSHOT', ended],
    ['CANCELED', id],
  ]);
  // Of those nothing comes to its former caller, whose next event is of the job that it made then.
  expect((await before.next()).value.job.id).not.toBe(id);
  await Promise.all([events.return?.(), before.return?.()]);
});

it('goes on where it was cut off, and finds nothing when it is called again', async () => {
  const ids: string[] = [];
  for (let i = 0; i < 45; i++) ids.push((await product.generate()).job.id);
  await assign({}, 25);
  const rest = await assign();
  expect(rest.length).toBeGreaterThan(0);
  expect(await listed()).toEqual(ids.toReversed());
  expect(await assign()).toEqual([{ outcome: 'keys', count: 0 }]);
});

it('takes those since a time, says which in a dry run, and leaves a key that the other has used', async () => {
  await product.generate({ idempotencyKey: 'both' });
  const own = await product.generate({ idempotencyKey: 'both', identity: shop });
  const { job } = await product.generate();
  expect(await assign({ since: job.createdAt, dryRun: true })).toContainEqual({ id: job.id, outcome: 'would-assign' });
  expect(await listed()).toEqual([own.job.id]);
  await assign();
  expect((await product.generate({ idempotencyKey: 'both', identity: shop })).job.id).toBe(own.job.id);
});

it('hands over what a job is estimated to take, on the meters of both', async () => {
  await product.close();
  const paid = callerNamed('anonymous', { plan: 'paid' });
  const plans = createPlans(() => new Map([['paid', { ...noPlan, name: 'paid', gpuSecondsPerDay: 1_000 }]]));
  product = await openUseCases(server.url, { plans, estimateGpu: () => 600_000 });
  const buyer = callerNamed('shop', { plan: 'paid' });
  const leftOf = async (identity: Identity) => {
    const day = (await product.jobs.limits(identity)).find(({ name }) => name === 'gpuSecondsPerDay');
    return Math.round(day?.remaining ?? expect.fail('there is no such limit'));
  };
  const { job } = await product.generate({ identity: paid });
  await product.generate({ identity: buyer });
  expect([await leftOf(paid), await leftOf(buyer)]).toEqual([400, 400]);
  await product.jobs.cancel(buyer, (await listed(buyer))[0] ?? '', 'test');
  await assign();
  expect([await leftOf(paid), await leftOf(buyer)]).toEqual([1_000, 400]);
  const { redis, keys } = product;
  expect(await reservations(redis, keys)).toEqual({ kept: { shop: 600_000 }, open: { shop: 600_000 } });
  await product.jobs.cancel(buyer, job.id, 'test');
  expect([await leftOf(paid), await leftOf(buyer)]).toEqual([1_000, 1_000]);
  expect(await reservations(redis, keys)).toEqual({ kept: {}, open: {} });
});
