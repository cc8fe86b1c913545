import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { type ArtifactStore, StorageError } from '../../../src/artifacts/artifact-store.ts';
import { createFolderStore } from '../../../src/artifacts/folder/folder.ts';
import { artifactKey, uploadKey } from '../../../src/artifacts/keys.ts';
import { sha256 } from '../../../src/core/canonical-json.ts';
import { createRedisSweeperStore } from '../../../src/job-record/redis/redis-sweeper-store.ts';
import { type SweeperOptions, startSweeper } from '../../../src/jobs/sweeper.ts';
import { createBullQueue } from '../../../src/queue/bullmq/bullmq.ts';
import type { JobQueue } from '../../../src/queue/queue.ts';
import { createRedisUploads } from '../../../src/uploads/redis/redis-uploads.ts';
import type { UploadStore } from '../../../src/uploads/upload.ts';
import { newJob, openStores, silent } from '../../support/gateway-store.ts';
import { fileToStore } from '../../support/pictures.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';

const RETENTION_MS = 300;
let server: TestRedis;
let stores: Awaited<ReturnType<typeof openStores>>;
let queue: JobQueue;
let artifacts: ArtifactStore;
let uploads: UploadStore;
let folder: string;
let sweeper: ReturnType<typeof startSweeper> | undefined;
/** Workflows of the jobs that it has told of, with how they ended. */
let ended: [string, string, string | undefined][];

beforeAll(async () => {
  server = await startTestRedis();
});
afterAll(() => server.close());
beforeEach(async () => {
  stores = await openStores(server.url, { retentionMs: RETENTION_MS });
  queue = createBullQueue(stores.redis, stores.keys, silent);
  folder = await mkdtemp(join(tmpdir(), 'comfygate-sweeper-'));
  const publicUrl = 'http://127.0.0.1:4000';
  artifacts = createFolderStore({ folder, publicUrl, signingSecret: 's'.repeat(32), now: Date.now });
  uploads = createRedisUploads(stores.redis, stores.keys);
  ended = [];
  sweeper = undefined;
});
afterEach(async () => {
  await sweeper?.close();
  await queue.close();
  artifacts.close();
  await stores.close();
  await rm(folder, { recursive: true, force: true });
});

/** Begins when all is there that a test wants to have swept: nothing is to go, or to end, before it was looked at. */
function sweep({ retentionMs = RETENTION_MS, ...options }: Partial<SweeperOptions> & { retentionMs?: number } = {}) {
  const { redis, keys, gateway } = stores;
  sweeper = startSweeper({
    onEnded: ({ workflow, status, error }) => ended.push([workflow, status, error?.code]),
    store: gateway,
    sweeperStore: createRedisSweeperStore(redis, keys, retentionMs),
    queue,
    artifacts,
    uploads,
    log: silent,
    intervalMs: 50,
    ...options,
  });
}

it('adds an open job that the queue has lost', async () => {
  const job = newJob();
  await stores.gateway.accept(job);
  expect(await queue.missing([job.id])).toEqual([job.id]);
  sweep();
  await vi.waitFor(async () => expect(await queue.missing([job.id])).toEqual([]));
});

it('ends a job that is past its deadline, though no worker is alive', async () => {
  const queued = newJob({ deadlineMs: 100, workflow: 'waits' });
  const running = newJob({ deadlineMs: 100, workflow: 'runs' });
  await stores.gateway.accept(queued);
  await stores.gateway.accept(running);
  const claimed = await stores.worker.claim(running.id);
  expect(claimed.outcome).toBe('claimed');
  sweep({ retentionMs: 60_000 });
  for (const { id } of [queued, running]) {
    await vi.waitFor(async () => {
      expect(await stores.gateway.get(id)).toMatchObject({
        status: 'FAILED',
        error: { code: 'TIMEOUT', retryable: true },
      });
    });
  }
  await vi.waitFor(() => expect(ended).toHaveLength(2));
  expect(new Set(ended)).toEqual(new Set([queued, running].map(({ workflow }) => [workflow, 'FAILED', 'TIMEOUT'])));
  // The worker that still runs it finds out under its own lease, and may cancel the prompt.
  const lease = claimed.outcome === 'claimed' ? claimed.job.lease : 0;
  expect(await stores.worker.lease(running.id, lease)).toEqual({ state: 'ended', status: 'FAILED' });
});

it('does not read the graphs of jobs whose deadlines pass, however many and large they are', async () => {
  const parameters = { graph: 'x'.repeat(500_000) };
  // Those of a caller's own graph are read later, to be packed.
  const template = { hash: 'a', text: '{}' };
  for (let i = 0; i < 10; i++) await stores.gateway.accept(newJob({ deadlineMs: 1, parameters, template }));
  const sent = async () =>
    Number(/^total_net_output_bytes:(\d+)/m.exec(await stores.redis.info('stats'))?.[1] ?? Number.NaN);
  const before = await sent();
  sweep({ retentionMs: 60_000, intervalMs: 20 });
  await vi.waitFor(() => expect(ended).toHaveLength(10));
  expect((await sent()) - before).toBeLessThan(500_000);
});

it('removes what has expired: artifacts, record, log and index entries', async () => {
  const job = newJob();
  await stores.gateway.accept(job);
  const content = 'a result';
  const path = join(folder, 'source');
  await writeFile(path, content);
  const key = artifactKey(job.id, 1, 0, 'txt');
  const file = await fileToStore(path, 'text/plain', 'a.txt');
  await artifacts.put(key, file, { signal: AbortSignal.timeout(5_000) });
  await stores.gateway.requestCancel(job.id);
  expect(await artifacts.head(key)).not.toBeNull();

  sweep();
  await vi.waitFor(async () => expect(await stores.gateway.get(job.id)).toBeNull(), { timeout: 5_000 });
  expect(await artifacts.head(key)).toBeNull();
  const left = (await stores.redis.keys(`${stores.keys.tag}*`)).filter(
    (name) => !/:(idem|bull|sweeper|fair:(spare|queued)$)/.test(name),
  );
  // The changes of its caller go by themselves.
  expect(left).toEqual([stores.keys.changes('anonymous')]);
  expect(await stores.redis.pttl(stores.keys.changes('anonymous'))).toBeGreaterThan(0);
});

it('ends and removes jobs while Redis is full, so that there is room again', async () => {
  const expired = newJob();
  // Open, and not in the queue: it cannot be added to it now.
  const late = newJob({ deadlineMs: 200, workflow: 'late' });
  for (const job of [expired, late]) await stores.gateway.accept(job);
  await stores.redis.config('SET', 'maxmemory', '1');
  try {
    await stores.gateway.requestCancel(expired.id);
    sweep();
    await vi.waitFor(() => expect(ended).toEqual([['late', 'FAILED', 'TIMEOUT']]), { timeout: 5_000 });
    for (const { id } of [expired, late])
      await vi.waitFor(async () => expect(await stores.gateway.get(id)).toBeNull(), { timeout: 5_000 });
  } finally {
    await stores.redis.config('SET', 'maxmemory', '0');
  }
});

it('removes an upload that no job needs any more, bytes and record; one in use stays', async () => {
  const upload = { caller: 'anonymous', filename: 'a.png', contentType: 'image/png', sizeBytes: 3 };
  const path = join(folder, 'source');
  await writeFile(path, 'abc');
  const file = { path, sizeBytes: 3, sha256: sha256('abc'), contentType: 'image/png', filename: 'a.png' };
  for (const id of ['unused', 'used', 'empty']) {
    await uploads.add({ ...upload, id }, 200);
    if (id !== 'empty') await artifacts.put(uploadKey(id), file, { signal: AbortSignal.timeout(5_000) });
  }
  expect(await uploads.keep('used', 60_000)).toBe(true);
  sweep();
  await vi.waitFor(async () => expect(await uploads.get('unused')).toBeNull());
  await vi.waitFor(async () => expect(await uploads.get('empty')).toBeNull());
  // It is unknown before its bytes are gone, and its record goes last.
  await vi.waitFor(async () => expect(await stores.redis.exists(stores.keys.upload('unused'))).toBe(0));
  expect(await artifacts.head(uploadKey('unused'))).toBeNull();
  expect(await uploads.keep('unused', 60_000)).toBe(false);
  expect(await uploads.get('used')).toEqual({ ...upload, id: 'used' });
  expect(await artifacts.head(uploadKey('used'))).not.toBeNull();
  expect(await stores.redis.zrange(stores.keys.uploads, 0, -1)).toEqual(['used']);
});

it.each(['{"code":"OF_A_LATER_VERSION"}', 'not JSON'])('removes a job whose error is %s', async (error) => {
  const job = newJob();
  await stores.gateway.accept(job);
  await stores.redis.hset(stores.keys.job(job.id), 'error', error);
  await stores.redis.zadd(stores.keys.failed('OF_A_LATER_VERSION'), 1, job.id);
  await stores.gateway.remove(job.id);
  expect(await stores.redis.exists(stores.keys.job(job.id))).toBe(0);
  const listed = await stores.redis.exists(stores.keys.failed('OF_A_LATER_VERSION'));
  expect(listed).toBe(error.startsWith('{') ? 0 : 1);
});

it('goes on with what else has expired when results of one job, or an upload, cannot be removed', async () => {
  const { redis, keys, gateway } = stores;
  const jobs = [newJob(), newJob()];
  for (const [i, { id }] of jobs.entries()) {
    await gateway.accept(jobs[i] ?? newJob());
    await gateway.requestCancel(id);
    await uploads.add({ id: `u${i}`, caller: 'a', filename: 'f', contentType: 'image/png', sizeBytes: 1 }, i);
  }
  const [stuck = newJob(), other = newJob()] = jobs;
  await redis.zadd(keys.ended, 1, stuck.id);
  let away = true;
  const removePrefix = async (prefix: string) => {
    if (!away || (!prefix.includes(stuck.id) && prefix !== uploadKey('u0'))) return;
    throw new StorageError('unavailable', 'away (ECONNREFUSED)');
  };
  sweep({ artifacts: { ...artifacts, removePrefix }, intervalMs: 20 });
  await vi.waitFor(async () => expect(await gateway.get(other.id)).toBeNull(), { timeout: 5_000 });
  await vi.waitFor(async () => expect(await redis.zrange(keys.uploads, 0, -1)).toEqual(['u0']));
  expect(await gateway.get(stuck.id)).not.toBeNull();
  away = false;
  await vi.waitFor(async () => expect(await redis.exists(keys.job(stuck.id), keys.uploads)).toBe(0));
});

it('tries again to remove an upload whose bytes could not be removed', async () => {
  const { redis, keys } = stores;
  let failures = 2;
  const removed: string[] = [];
  const removePrefix = async (prefix: string) => {
    if (failures-- > 0) throw new StorageError('unavailable', 'away');
    removed.push(prefix);
  };
  await uploads.add({ id: 'u', caller: 'a', filename: 'f', contentType: 'image/png', sizeBytes: 1 }, 0);
  sweep({ artifacts: { ...artifacts, removePrefix }, intervalMs: 20 });
  await vi.waitFor(() => expect(removed).toEqual([uploadKey('u')]));
  await vi.waitFor(async () => expect(await redis.exists(keys.upload('u'), keys.uploads)).toBe(0));
});
