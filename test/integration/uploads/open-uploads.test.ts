import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFolderStore } from '../../../src/artifacts/folder/folder.ts';
import { anonymous } from '../../../src/callers/identity.ts';
import { createPlans, noPlan, type Plan } from '../../../src/callers/plans.ts';
import { createUploads } from '../../../src/uploads/create-uploads.ts';
import { createRedisUploads } from '../../../src/uploads/redis/redis-uploads.ts';
import { openStores } from '../../support/gateway-store.ts';
import { callerNamed } from '../../support/identities.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';

describe('uploads that no job names', () => {
  let server: TestRedis;
  beforeAll(async () => {
    server = await startTestRedis();
  });
  afterAll(() => server.close());

  async function open(
    test: { onTestFinished(dispose: () => Promise<void>): void },
    ofAll?: number,
    bounds: Partial<Plan> = {},
  ) {
    const stores = await openStores(server.url);
    test.onTestFinished(stores.close);
    const folder = await mkdtemp(join(tmpdir(), 'comfygate-uploads-'));
    test.onTestFinished(() => rm(folder, { recursive: true }));
    const { redis, keys } = stores;
    const store = createRedisUploads(redis, keys, ...(ofAll === undefined ? [] : [{ ofClient: 1_000, ofAll }]));
    const uploads = createUploads({
      store,
      artifacts: createFolderStore({ folder, publicUrl: 'http://gateway.test', signingSecret: 's', now: Date.now }),
      plans: createPlans(() => new Map([['small', { ...noPlan, name: 'small', ...bounds }]])),
      maxBytes: 1_000,
      newId: randomUUID,
      onRedisDown: () => undefined,
    });
    const create = (client: string) =>
      uploads.create({ identity: callerNamed('a'), client, filename: 'a.png', contentType: 'image/png', sizeBytes: 3 });
    const ofPlan = (caller: string, client: string, sizeBytes = 3) => {
      const identity = { ...anonymous, caller, plan: 'small' };
      const file = { filename: 'a.png', contentType: 'image/png', sizeBytes };
      return uploads.create({ identity, client, ...file });
    };
    return { redis, keys, store, create, ofPlan };
  }

  const refused = { details: { code: 'LIMIT_EXCEEDED' } };

  it('B06 are at most a thousand of a client, which keeps nobody else from announcing one', async (test) => {
    const { redis, keys, store, create } = await open(test);
    const made = await Promise.all(Array.from({ length: 1_050 }, () => create('192.0.2.1').catch(() => null)));
    const kept = made.flatMap((upload) => upload ?? []);
    expect(kept).toHaveLength(1_000);
    await expect(create('192.0.2.1')).rejects.toMatchObject(refused);
    await expect(create('192.0.2.1')).rejects.toThrow(/^Your address has announced too many uploads/);
    expect(await create('192.0.2.2')).toMatchObject({ method: 'PUT' });
    expect(await redis.zcard(keys.uploads)).toBe(1_001);

    // One that a job names is kept for the job, and is no longer counted.
    const [first, second] = kept;
    expect(await store.keep(first?.id ?? '', 1_000)).toBe(true);
    expect(await create('192.0.2.1')).toMatchObject({ method: 'PUT' });
    await expect(create('192.0.2.1')).rejects.toMatchObject(refused);
    // Neither is one that has expired.
    await redis.zadd(keys.openUploads('192.0.2.1'), 'XX', 1, second?.id ?? '');
    expect(await create('192.0.2.1')).toMatchObject({ method: 'PUT' });
    await expect(create('192.0.2.1')).rejects.toMatchObject(refused);
  });

  it('B06 are bounded in all, and leave nothing in Redis but themselves', async (test) => {
    const { redis, keys, store, create } = await open(test, 3);
    const clients = ['192.0.2.1', '192.0.2.2', '2001:db8:0:0::/64'];
    const made = await Promise.all(clients.map(create));
    await expect(create('192.0.2.3')).rejects.toMatchObject(refused);
    const lives = await Promise.all(clients.map((client) => redis.pttl(keys.openUploads(client))));
    for (const life of lives) expect(life).toBeGreaterThan(86_400_000);
    for (const { id } of made) {
      await store.keep(id, 1_000);
      await store.remove(id);
    }
    expect(await redis.keys(`${keys.tag}*upload*`)).toEqual([]);
  });

  it('are as many and as large as a plan says, from wherever its caller calls', async (test) => {
    const { store, ofPlan } = await open(test, undefined, { openUploads: 3, uploadBytes: 1_000 });
    const first = await ofPlan('a', '192.0.2.1', 600);
    await expect(ofPlan('a', '192.0.2.2', 401)).rejects.toMatchObject({
      message: expect.stringContaining('your plan small'),
      details: { code: 'QUOTA_EXCEEDED', name: 'uploadBytes', limit: 1_000, remaining: 400, retryAfter: 10 },
    });
    await ofPlan('a', '192.0.2.2', 400);
    await expect(ofPlan('a', '192.0.2.3', 1)).rejects.toMatchObject({ details: { name: 'uploadBytes', remaining: 0 } });
    // One that a job names is counted no more.
    await store.keep(first.id, 1_000);
    for (let i = 0; i < 2; i++) await ofPlan('a', '192.0.2.3');
    await expect(ofPlan('a', '192.0.2.1')).rejects.toMatchObject({
      details: { code: 'QUOTA_EXCEEDED', name: 'openUploads', limit: 3, remaining: 0 },
    });
    expect(await ofPlan('b', '192.0.2.1')).toMatchObject({ method: 'PUT' });
  });
});
