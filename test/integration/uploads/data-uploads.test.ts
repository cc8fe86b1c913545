import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { v7 } from 'uuid';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type ArtifactStore, StorageError } from '../../../src/artifacts/artifact-store.ts';
import { createFolderStore } from '../../../src/artifacts/folder/folder.ts';
import { uploadKey } from '../../../src/artifacts/keys.ts';
import { createPlans, noPlan, type Plan } from '../../../src/callers/plans.ts';
import { isUuid } from '../../../src/core/uuid.ts';
import { createUploads } from '../../../src/uploads/create-uploads.ts';
import { createDataUploads } from '../../../src/uploads/data-uploads.ts';
import { createRedisUploads } from '../../../src/uploads/redis/redis-uploads.ts';
import { openStores } from '../../support/gateway-store.ts';
import { callerNamed } from '../../support/identities.ts';
import { testPicture } from '../../support/pictures.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';

let server: TestRedis;
let stores: Awaited<ReturnType<typeof openStores>>;
let folder: string;
let artifacts: ArtifactStore;

beforeAll(async () => {
  server = await startTestRedis();
  stores = await openStores(server.url);
  folder = await mkdtemp(join(tmpdir(), 'comfygate-data-uploads-'));
  const signingSecret = 'a secret of this test and of no other';
  artifacts = createFolderStore({ folder, publicUrl: 'http://gateway.test', signingSecret, now: Date.now });
});
afterAll(async () => {
  await stores.close();
  await server.close();
  await rm(folder, { recursive: true });
});

const one: Plan = { ...noPlan, name: 'one', openUploads: 1 };

function open() {
  const store = createRedisUploads(stores.redis, stores.keys);
  const plans = createPlans(() => new Map([[one.name, one]]));
  const options = { maxBytes: 100_000, newId: () => v7(), onRedisDown: () => undefined, plans };
  const uploads = createUploads({ store, artifacts, ...options });
  const create = vi.spyOn(uploads, 'create');
  const data = createDataUploads({ uploads, store, artifacts });
  const put = (bytes: Uint8Array, caller = 'me', plan: string | null = null) =>
    data.put({ identity: { ...callerNamed(caller), plan }, requestId: 'r', client: caller, bytes });
  return { put, create, store };
}

it('stores bytes as an upload of the caller, by the type that they are, and the same ones once', async () => {
  const { put, create, store } = open();
  const bytes = await testPicture(8, 8).png().toBuffer();
  const id = await put(bytes);
  expect(isUuid(id)).toBe(true);
  expect(await store.get(id)).toMatchObject({ caller: 'me', contentType: 'image/png', sizeBytes: bytes.length });
  const stored = await artifacts.read(uploadKey(id), { signal: AbortSignal.timeout(5_000) });
  expect(stored && (await text(stored))).toBe(bytes.toString());
  expect(await put(Buffer.from(bytes))).toBe(id);
  expect(create).toHaveBeenCalledTimes(1);
  expect(await put(bytes, 'another')).not.toBe(id);
  expect(await put(await testPicture(9, 8).png().toBuffer())).not.toBe(id);
  expect(create).toHaveBeenCalledTimes(3);
});

it('refuses what no upload may be, and stores it again when it was lost', async () => {
  const { put, create } = open();
  await expect(put(Buffer.from('a text'))).rejects.toMatchObject({
    details: { code: 'BAD_USER_INPUT', issues: [{ path: ['input', 'contentType'] }] },
  });
  await expect(put(Buffer.alloc(100_001))).rejects.toMatchObject({ details: { code: 'BAD_USER_INPUT' } });
  const bytes = await testPicture(10, 8).png().toBuffer();
  const id = await put(bytes);
  await artifacts.removePrefix(uploadKey(id));
  create.mockClear();
  expect(await put(bytes)).toBe(id);
  expect(create).toHaveBeenCalledTimes(1);
});

it('counts a file once whose first try failed, and again after it has been removed', async () => {
  const { put, store } = open();
  const bytes = await testPicture(10, 8).png().toBuffer();
  const failing = vi.spyOn(artifacts, 'put').mockRejectedValueOnce(new StorageError('unavailable', 'away'));
  await expect(put(bytes, 'careful', 'one')).rejects.toMatchObject({ details: { code: 'UNAVAILABLE' } });
  failing.mockRestore();
  // Its plan has one place, which the first try has.
  const id = await put(bytes, 'careful', 'one');
  await expect(put(await testPicture(11, 8).png().toBuffer(), 'careful', 'one')).rejects.toMatchObject({
    details: { code: 'QUOTA_EXCEEDED' },
  });

  await stores.redis.hset(stores.keys.upload(id), 'retired', '1');
  await expect(put(bytes, 'careful', 'one')).rejects.toMatchObject({
    details: { code: 'UNAVAILABLE', retryAfter: 5 },
  });
  await store.remove(id);
  expect(await put(bytes, 'careful', 'one')).toBe(id);
});

it('shortens the life of no upload that a job has named', async () => {
  const { put, store, create } = open();
  const bytes = await testPicture(12, 8).png().toBuffer();
  const id = await put(bytes, 'named');
  const YEAR_MS = 365 * 86_400_000;
  expect(await store.keep(id, YEAR_MS)).toBe(true);
  const until = await stores.redis.zscore(stores.keys.uploads, id);
  create.mockClear();
  await artifacts.removePrefix(uploadKey(id));
  expect(await put(bytes, 'named')).toBe(id);
  expect(create).toHaveBeenCalledTimes(1);
  expect(await stores.redis.zscore(stores.keys.uploads, id)).toBe(until);
  expect(await stores.redis.zscore(stores.keys.openUploads('named'), id)).toBeNull();
});
