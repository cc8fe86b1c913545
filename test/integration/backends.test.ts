import { afterAll, beforeAll, expect, it } from 'vitest';
import type { BackendReport } from '../../src/backends/backends.ts';
import { createRedisBackendDirectory, createRedisBackendReporter } from '../../src/backends/redis-backends.ts';
import { unknownBackend } from '../support/backends.ts';
import { openStores } from '../support/gateway-store.ts';
import { startTestRedis, type TestRedis } from '../support/redis.ts';

let server: TestRedis;
let stores: Awaited<ReturnType<typeof openStores>>;

beforeAll(async () => {
  server = await startTestRedis();
  stores = await openStores(server.url);
});
afterAll(async () => {
  await stores.close();
  await server.close();
});

const up: BackendReport = {
  ...unknownBackend,
  name: 'gpu',
  status: 'UP',
  comfyuiVersion: '0.33.0',
  queued: 0,
  running: 1,
  message: null,
  models: { 'CheckpointLoaderSimple.ckpt_name': ['a.safetensors'] },
  catalogue: null,
};
const down: BackendReport = { ...up, status: 'DOWN', message: 'not reached' };

it('keeps when a server was last reached, though it is reported down since', async () => {
  const reporter = createRedisBackendReporter(stores.durable, stores.keys);
  const directory = createRedisBackendDirectory(stores.redis, stores.keys);
  await reporter.report('one', [up]);
  const [before] = await directory.backends();
  expect(before).toMatchObject(up);
  await reporter.report('one', [down]);
  const [after] = await directory.backends();
  expect(after).toMatchObject({ ...down, lastSeenAt: before?.lastSeenAt });
  expect(await directory.liveWorkers()).toBe(1);
  await reporter.leave('one');
  expect(await directory.liveWorkers()).toBe(0);
});

it('says whether another worker reaches a server, and only while it does', async () => {
  const first = createRedisBackendReporter(stores.durable, stores.keys);
  const second = createRedisBackendReporter(stores.durable, stores.keys);
  await first.report('first', [up]);
  expect(await first.reportedByOthers('first', 'gpu')).toBe(false);
  expect(await second.reportedByOthers('second', 'gpu')).toBe(true);
  await first.report('first', [down]);
  expect(await second.reportedByOthers('second', 'gpu')).toBe(false);
  await first.report('first', [up]);
  await first.leave('first');
  expect(await second.reportedByOthers('second', 'gpu')).toBe(false);
});
