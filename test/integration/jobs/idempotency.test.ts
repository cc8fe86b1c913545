import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256 } from '../../../src/core/canonical-json.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';
import { openUseCases, type UseCases } from '../../support/use-cases.ts';

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

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

const entryOf = (key: string) => product.keys.idempotency('anonymous', sha256(key));

/** As if so much time had passed since the key was used. */
async function pass(key: string, ms: number) {
  const left = await product.redis.pttl(entryOf(key));
  await product.redis.pexpire(entryOf(key), left - ms);
}

describe('an idempotency key', () => {
  it('A39 gives its job after 23 hours and 59 minutes, and may make another after 24 hours and one', async () => {
    const idempotencyKey = randomUUID();
    const { job } = await product.generate({ idempotencyKey });
    expect(await product.redis.pttl(entryOf(idempotencyKey))).toBeLessThanOrEqual(DAY_MS);
    await pass(idempotencyKey, DAY_MS - MINUTE_MS);
    expect(await product.generate({ idempotencyKey })).toMatchObject({ replayed: true, job: { id: job.id } });
    await pass(idempotencyKey, 2 * MINUTE_MS);
    const later = await product.generate({ idempotencyKey });
    expect(later.replayed).toBe(false);
    expect(later.job.id).not.toBe(job.id);
  });

  it('A40 gives the job that it made though that has FAILED', async () => {
    const idempotencyKey = randomUUID();
    const { job } = await product.generate({ idempotencyKey });
    await (await product.start(job.id)).fail();
    expect(await product.generate({ idempotencyKey })).toMatchObject({
      replayed: true,
      job: { id: job.id, status: 'FAILED' },
    });
  });

  it('A37 is of one caller: the same makes a job of its own for another', async () => {
    const idempotencyKey = randomUUID();
    const { job } = await product.generate({ idempotencyKey });
    const other = await product.generate({ idempotencyKey, caller: 'somebody' });
    expect(other.replayed).toBe(false);
    expect(other.job.id).not.toBe(job.id);
  });
});
