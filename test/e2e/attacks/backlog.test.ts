import { expect, it } from 'vitest';
import * as z from 'zod';
import { createRedisGatewayStore } from '../../../src/job-record/redis/redis-gateway-store.ts';
import { keyHeaders } from '../../support/api-keys.ts';
import { newJob } from '../../support/gateway-store.ts';
import { eventually, onlySimulator, openProduct } from '../../support/product.ts';

const BACKLOG = 10_000;
/** What comes over the network: fewer than a page. The others are accepted in the way of a gateway. */
const CALLS = 90;
/** What the server has of the first caller when the other one comes: a prompt that runs, and one given ahead. */
const DEPTH = 2;

const pageSchema = z.object({
  jobs: z.object({ nodes: z.array(z.object({ id: z.string(), startedAt: z.iso.datetime() })) }),
});
const generatedSchema = z.object({ generate: z.object({ job: z.object({ id: z.string() }) }) });
const jobSchema = z.object({
  job: z.object({ status: z.string(), queuePosition: z.int().nullable(), startedAt: z.iso.datetime().nullable() }),
});
const JOB = 'query J($id: ID!) { job(id: $id) { status queuePosition startedAt } }';

it(`A47 with ${BACKLOG} jobs of one caller in the queue, another's is next`, { timeout: 300_000 }, async (test) => {
  const product = await openProduct(test, { speed: 20, env: { AUTH: 'keys', BACKEND_DEPTH: String(DEPTH) } });
  const { faults } = onlySimulator(product);
  faults.current.holdAt = 'KSampler';
  const [gateway, hog, other] = await Promise.all([
    product.gateway({ LOG_LEVEL: 'warn' }),
    keyHeaders(product, 'hog'),
    keyHeaders(product, 'other'),
    product.worker(),
  ]);

  await times(CALLS, 10, async () => {
    expect((await gateway.tryGenerate({ headers: hog })).errors).toEqual([]);
  });
  const { admin: redis, keys } = product;
  const store = createRedisGatewayStore({ redis, keys, retentionMs: 1, idempotencyTtlMs: 1, noBackendGraceMs: 60_000 });
  await times(BACKLOG - CALLS, 500, async () => {
    const { outcome } = await store.accept(newJob({ caller: 'hog', deadlineMs: 3_600_000 }));
    expect(outcome).toBe('created');
  });
  const running = async () => {
    const { data } = await gateway.post('{ jobs(filter: { status: RUNNING }) { nodes { id startedAt } } }', {}, hog);
    return pageSchema.parse(data).jobs.nodes.length;
  };
  await eventually(async () => (await running()) === DEPTH, 'the server has all that it is given');

  const answer = await gateway.tryGenerate({ headers: other });
  const { id } = generatedSchema.parse(answer.data).generate.job;
  const look = async () => jobSchema.parse((await gateway.post(JOB, { id }, other)).data).job;
  expect(await look()).toMatchObject({ status: 'QUEUED', queuePosition: 0 });
  faults.reset();
  await eventually(async () => (await look()).status === 'SUCCEEDED', "the other's job has ended", 60_000);
  // Those that stand behind it may have begun by now, too.
  const begun = '{ jobs(first: 100, filter: { status: [RUNNING, SUCCEEDED] }) { nodes { id startedAt } } }';
  const { startedAt } = await look();
  const { data } = await gateway.post(begun, {}, hog);
  const before = pageSchema.parse(data).jobs.nodes.filter((job) => startedAt !== null && job.startedAt <= startedAt);
  expect(before.length).toBeLessThanOrEqual(DEPTH + 1);
});

async function times(count: number, atOnce: number, act: () => Promise<void>): Promise<void> {
  let left = count;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (left-- > 0) await act();
    }),
  );
}
