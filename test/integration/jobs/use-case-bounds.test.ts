import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { anonymous } from '../../../src/callers/identity.ts';
import type { JobFilter } from '../../../src/core/job.ts';
import type { GenerateRequest } from '../../../src/jobs/jobs.ts';
import { callerNamed } from '../../support/identities.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';
import { openUseCases, type UseCases } from '../../support/use-cases.ts';

let server: TestRedis;
let product: UseCases;

beforeAll(async () => {
  server = await startTestRedis();
  product = await openUseCases(server.url);
});
afterAll(async () => {
  await product.close();
  await server.close();
});

const code = (name: string) => ({ details: expect.objectContaining({ code: name }) });

it.each<[string, Partial<GenerateRequest>]>([
  ['priority', { priority: 'HIGH' }],
  ['deadline', { deadlineSeconds: 60 }],
  ['tags', { tags: ['a'] }],
  ['input', { workflow: { name: 'textToImage', input: { prompt: 'a lighthouse', seed: 1 } } }],
])('a key that is used again with another %s is refused, and makes nothing', async (_what, change) => {
  const idempotencyKey = randomUUID();
  const { job } = await product.generate({ idempotencyKey });
  await expect(product.generate({ ...change, idempotencyKey })).rejects.toMatchObject({
    details: { code: 'IDEMPOTENCY_KEY_REUSED', jobId: job.id },
  });
  expect(await product.generate({ idempotencyKey })).toMatchObject({ replayed: true, job: { id: job.id } });
});

it('a replayed key adds its job to the queue again only while the job is QUEUED', async () => {
  const idempotencyKey = randomUUID();
  // Tickets of the jobs of other tests.
  await product.redis.del(product.keys.fair('spare'));
  const { job } = await product.generate({ idempotencyKey });
  await product.queue.remove(job.id);
  await product.generate({ idempotencyKey });
  expect(await product.queue.missing([job.id])).toEqual([]);
  await product.queue.remove(job.id);
  const running = await product.start(job.id);
  await product.generate({ idempotencyKey });
  await running.succeed();
  expect(await product.generate({ idempotencyKey })).toMatchObject({ replayed: true, job: { status: 'SUCCEEDED' } });
  expect(await product.queue.missing([job.id])).toEqual([job.id]);
});

it.each<[string, Partial<GenerateRequest>, Partial<GenerateRequest>]>([
  ['tags', { tags: Array(16).fill('t') }, { tags: Array(17).fill('t') }],
  ['length of a tag', { tags: ['t'.repeat(64)] }, { tags: ['t'.repeat(65)] }],
  ['length of a key', { idempotencyKey: 'k'.repeat(255) }, { idempotencyKey: 'k'.repeat(256) }],
])('the most %s are taken, and one more is not', async (_what, most, more) => {
  await product.generate(most);
  await expect(product.generate(more)).rejects.toMatchObject(code('BAD_USER_INPUT'));
});

it('a list whose filter drops nearly everything reads a few pages for each call', async () => {
  const identity = callerNamed(randomUUID());
  const rare = await product.generate({ identity, tags: ['rare'] });
  for (let i = 0; i < 7; i++) await product.generate({ identity });
  const filter: JobFilter = { status: null, workflow: null, tag: 'rare', createdAfter: null, createdBefore: null };
  const reads = vi.spyOn(product.gateway, 'page');
  const first = await product.jobs.list({ identity, first: 1, after: null, filter });
  expect(reads).toHaveBeenCalledTimes(5);
  expect(first).toMatchObject({ edges: [], hasNextPage: true, endCursor: expect.any(String) });
  const second = await product.jobs.list({ identity, first: 1, after: first.endCursor, filter });
  expect(second.edges.map(({ job }) => job.id)).toEqual([rare.job.id]);
  expect(second.hasNextPage).toBe(false);
  reads.mockRestore();
});

it('B02 the jobs that one client cancels, deletes or runs again keep nobody else waiting', async () => {
  const { job } = await product.generate();
  const held = Promise.withResolvers<null>();
  const get = vi.spyOn(product.gateway, 'own').mockReturnValue(held.promise);
  const calls = [
    (id: string, client: string) => product.jobs.cancel(anonymous, id, 'r', undefined, client),
    (id: string, client: string) => product.jobs.remove(anonymous, id, 'r', undefined, client),
    (id: string, client: string) =>
      product.jobs.retry({
        identity: callerNamed('anonymous'),
        client,
        requestId: 'r',
        id,
        idempotencyKey: randomUUID(),
      }),
  ];
  const flood = calls.map((call) => Promise.allSettled(Array.from({ length: 20 }, () => call(randomUUID(), 'a'))));
  await vi.waitFor(() => expect(get).toHaveBeenCalledTimes(8));
  get.mockRestore();
  expect(await product.jobs.cancel(anonymous, job.id, 'r', undefined, 'b')).toMatchObject({ status: 'CANCELED' });
  held.resolve(null);
  for (const settled of (await Promise.all(flood)).flat()) expect(settled.status).toBe('rejected');
});
