import { afterAll, beforeAll, expect, it } from 'vitest';
import { type BackendReport, backendAsOf, type SeenBackend } from '../../src/backends/backends.ts';
import {
  createRedisBackendDirectory,
  createRedisBackendOperator,
  createRedisBackendReporter,
} from '../../src/backends/redis/redis-backends.ts';
import { createHealth } from '../../src/health/check-health.ts';
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

it('takes a worker that has said nothing for fifteen seconds to reach nothing any more', async () => {
  const { durable, redis, keys } = stores;
  const reporter = createRedisBackendReporter(durable, keys);
  await reporter.report('silent', [up]);
  expect(await reporter.reportedByOthers('other', 'gpu')).toBe(true);
  const at = Number(await redis.zscore(keys.backendWorkers('gpu'), 'silent'));
  await redis.zadd(keys.backendWorkers('gpu'), at - 15_001, 'silent');
  expect(await reporter.reportedByOthers('other', 'gpu')).toBe(false);
  await reporter.leave('silent');
});

it('forgets a server of which nobody has told for a week', async () => {
  const { durable, redis, keys } = stores;
  const reporter = createRedisBackendReporter(durable, keys);
  await redis.zadd(keys.backends, Date.now() - 8 * 86_400_000, 'old', Date.now() - 6 * 86_400_000, 'away');
  await reporter.report('one', [up]);
  expect(await redis.zrange(keys.backends, 0, -1)).toEqual(expect.arrayContaining(['away', 'gpu']));
  expect(await redis.zscore(keys.backends, 'old')).toBeNull();
  await redis.zrem(keys.backends, 'away');
  await reporter.leave('one');
});

it('shows a server that is no longer configured for ten minutes, and jobs may wait for it for longer', async () => {
  const { durable, redis, keys } = stores;
  const reporter = createRedisBackendReporter(durable, keys);
  const directory = createRedisBackendDirectory(redis, keys);
  const names = async () => (await directory.backends()).map(({ name }) => name);
  const passes = (name: string, ms: number) => redis.hincrby(keys.backend(name), 'reportedAt', -ms);
  await reporter.report('one', [up, { ...down, name: 'broken' }, { ...up, name: 'taken-out' }]);
  await passes('taken-out', 590_000);
  await reporter.report('one', [up, { ...down, name: 'broken' }]);
  expect(await names()).toEqual(['broken', 'gpu', 'taken-out']);
  await passes('taken-out', 10_000);
  // However long it has been down, a server that a worker reports is configured.
  expect(await names()).toEqual(['broken', 'gpu']);
  expect((await directory.known()).map(({ name, configured }) => [name, configured])).toEqual([
    ['broken', true],
    ['gpu', true],
    ['taken-out', false],
  ]);
  await reporter.report('one', [{ ...up, name: 'taken-out' }]);
  expect(await names()).toContain('taken-out');
  for (const name of ['taken-out', 'broken']) await redis.zrem(keys.backends, name);
  await reporter.leave('one');
});

it('goes on to show a server while there is no worker at all, which could have it no longer', async () => {
  const { durable, redis, keys } = stores;
  const reporter = createRedisBackendReporter(durable, keys);
  const directory = createRedisBackendDirectory(redis, keys);
  await reporter.report('one', [up]);
  await reporter.leave('one');
  const hours = 8 * 3_600_000;
  await redis.hincrby(keys.backend('gpu'), 'reportedAt', -hours);
  await redis.decrby(keys.workersSeen, hours);
  expect(await directory.backends()).toMatchObject([{ name: 'gpu', status: 'DOWN' }]);
});

it('takes a server for down of which nobody has told for fifteen seconds, whatever was told last', () => {
  const seen: SeenBackend = { ...up, status: 'DRAINING', reportedAt: 100_000, lastSeenAt: 100_000, since: 50_000 };
  expect(backendAsOf(seen, 114_999)).toEqual(seen);
  expect(backendAsOf(seen, 115_000)).toMatchObject({
    status: 'DOWN',
    running: 0,
    message: expect.any(String),
    since: 100_000,
  });
});

it('tells workers which servers drain; one of them is still reached', async () => {
  const reporter = createRedisBackendReporter(stores.durable, stores.keys);
  const operator = createRedisBackendOperator(stores.redis, stores.keys);
  await operator.drain('gpu');
  expect((await reporter.report('drainer', [up])).draining).toEqual(new Set(['gpu']));
  await reporter.report('drainer', [{ ...up, status: 'DRAINING' }]);
  const [seen] = await operator.backends();
  expect(seen).toMatchObject({ status: 'DRAINING', lastSeenAt: seen?.reportedAt });
  expect(await createRedisBackendReporter(stores.durable, stores.keys).reportedByOthers('other', 'gpu')).toBe(true);
  await operator.resume('gpu');
  expect((await reporter.report('drainer', [up])).draining).toEqual(new Set());
  await reporter.leave('drainer');
});

it('B10 tells workers which prompt does not end at a server, as another has found', async () => {
  const reporter = createRedisBackendReporter(stores.durable, stores.keys);
  expect((await reporter.report('first', [{ ...down, stuckPrompt: 'p' }])).stuck.get('gpu')).toBeUndefined();
  expect((await reporter.report('second', [up])).stuck).toEqual(new Map([['gpu', 'p']]));
  expect((await reporter.report('first', [up])).stuck).toEqual(new Map());
  for (const worker of ['first', 'second']) await reporter.leave(worker);
});

it.each([
  [['UP', 'DRAINING'], 'HEALTHY', null],
  [['UP', 'DOWN'], 'DEGRADED', 'down: b (not reached)'],
  [['DRAINING', 'DRAINING'], 'DEGRADED', 'all that are up are draining: jobs wait'],
  [['DOWN', 'DOWN'], 'UNHEALTHY', 'down: a (not reached), b (not reached)'],
  [[], 'DEGRADED', 'no worker has reported a ComfyUI yet'],
] as const)('health of servers that are %j is %s', async (statuses, status, message) => {
  const seen = statuses.map((each, i) => ({
    ...(each === 'DOWN' ? down : up),
    name: 'ab'.charAt(i),
    status: each,
    reportedAt: 0,
    lastSeenAt: 0,
    since: 1_000 * (i + 1),
  }));
  const health = createHealth({
    redis: stores.redis,
    keys: stores.keys,
    store: stores.gateway,
    artifacts: { check: async () => undefined },
    backends: { backends: async () => seen, liveWorkers: async () => 1, workersSince: async () => 500 },
    version: '1.2.3',
  });
  const { checks } = await health();
  expect(checks.find(({ name }) => name === 'comfyui')).toMatchObject({ status, message });
});
