import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { v7 } from 'uuid';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { ArtifactStore } from '../../../src/artifacts/artifact-store.ts';
import { createFolderStore } from '../../../src/artifacts/folder/folder.ts';
import { uploadKey } from '../../../src/artifacts/keys.ts';
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

function open() {
  const store = createRedisUploads(stores.redis, stores.keys);
  const options = { maxBytes: 100_000, newId: () => v7(), onRedisDown: () => undefined };
  const uploads = createUploads({ store, artifacts, ...options });
  const create = vi.spyOn(uploads, 'create');
  const data = createDataUploads({ uploads, store, artifacts });
  const put = (bytes: Uint8Array, caller = 'me') =>
    data.put({ identity: callerNamed(caller), requestId: 'r', client: 'c', bytes });
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
