import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { BackendReport } from '../../../src/backends/backends.ts';
import { createRedisBackendDirectory, createRedisBackendReporter } from '../../../src/backends/redis/redis-backends.ts';
import { startEmbeddedRedis } from '../../../src/embedded/redis.ts';
import { unknownBackend } from '../../support/backends.ts';
import { openStores, silent } from '../../support/gateway-store.ts';
import { startProduct, tempFolder } from '../../support/process.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';

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

const gpu: BackendReport = {
  ...unknownBackend,
  name: 'gpu1',
  status: 'UP',
  comfyuiVersion: '0.33.0',
  queued: 1,
  running: 1,
  devices: ['cuda:0 NVIDIA GeForce RTX 4090'],
};
const old: BackendReport = { ...unknownBackend, name: 'old', message: 'ComfyUI is not reachable' };

/** What `comfygate backend <args>` prints, and its exit code. */
async function backend(args: string[], env: Record<string, string> = {}) {
  const prefix = stores.keys.tag.slice(1, -2);
  const running = startProduct(['backend', ...args], { REDIS_URL: server.url, REDIS_PREFIX: prefix, ...env });
  return { code: await running.exited, text: running.output() };
}

it('prints the servers for a person, and as JSON for a script', { timeout: 60_000 }, async () => {
  expect(await backend(['list'])).toEqual({ code: 0, text: 'No worker has reported a ComfyUI yet.\n' });
  await createRedisBackendReporter(stores.durable, stores.keys).report('worker', [gpu, old]);
  const { text } = await backend(['list']);
  expect(text.split('\n')).toEqual([
    expect.stringMatching(/^NAME {2}STATUS {2}VERSION {2}QUEUED {2}RUNNING {2}LAST SEEN +DEVICES$/),
    expect.stringMatching(/^gpu1 {2}UP +0\.33\.0 +1 +1 +\d+ s ago +cuda:0 NVIDIA GeForce RTX 4090$/),
    expect.stringMatching(/^old +DOWN +- +0 +0 +never +ComfyUI is not reachable$/),
    '',
  ]);
  const listed = await backend(['list', '--json']);
  expect(JSON.parse(listed.text)).toEqual([
    {
      name: 'gpu1',
      status: 'UP',
      comfyuiVersion: '0.33.0',
      queued: 1,
      running: 1,
      devices: ['cuda:0 NVIDIA GeForce RTX 4090'],
      lastSeenAt: expect.stringMatching(/^\d{4}-.*Z$/),
      message: null,
    },
    expect.objectContaining({ name: 'old', status: 'DOWN', lastSeenAt: null }),
  ]);
});

it('drains a server and puts it back; a name that nobody has reported is refused', { timeout: 60_000 }, async () => {
  const reporter = createRedisBackendReporter(stores.durable, stores.keys);
  expect(await reporter.report('worker', [gpu, old])).toMatchObject({ draining: new Set() });
  expect(await backend(['drain', 'gpu1'])).toEqual({ code: 0, text: expect.stringContaining('gpu1 drains') });
  expect(await reporter.report('worker', [gpu, old])).toMatchObject({ draining: new Set(['gpu1']) });
  expect((await backend(['resume', 'gpu1'])).code).toBe(0);
  expect(await reporter.report('worker', [gpu, old])).toMatchObject({ draining: new Set() });
  expect(await backend(['drain', 'gpu2'])).toEqual({
    code: 1,
    text: 'error: no server is named gpu2: known are gpu1, old\n',
  });
});

it('forgets a server that nobody reports any more, and no other', { timeout: 60_000 }, async () => {
  const { durable, redis, keys } = stores;
  await createRedisBackendReporter(durable, keys).report('worker', [gpu, old]);
  expect(await backend(['forget', 'old'])).toEqual({
    code: 1,
    text: expect.stringMatching(/^error: a worker still reports old: take it out of COMFYUI_URLS/),
  });
  await redis.hincrby(keys.backend('old'), 'reportedAt', -15_000);
  expect(await backend(['forget', 'old'])).toEqual({ code: 0, text: 'old is forgotten.\n' });
  const left = await createRedisBackendDirectory(redis, keys).known();
  expect(left).toMatchObject([{ name: 'gpu1', status: 'UP' }]);
});

it('finds the Redis of an all-in-one start by its data folder, and says so where there is none', {
  timeout: 60_000,
}, async (test) => {
  const folder = await tempFolder();
  test.onTestFinished(folder.remove);
  const env = { REDIS_URL: '', DATA_DIR: folder.path };
  const none = await backend(['list'], env);
  expect(none).toEqual({ code: 1, text: expect.stringMatching(/^error: REDIS_URL: /) });
  const embedded = await startEmbeddedRedis({ dataDir: folder.path, log: silent });
  test.onTestFinished(embedded.close);
  expect(await backend(['list'], env)).toEqual({ code: 0, text: 'No worker has reported a ComfyUI yet.\n' });
});
