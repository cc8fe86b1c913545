import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import type { BackendReport } from '../../../src/backends/backends.ts';
import { createRedisBackendDirectory, createRedisBackendReporter } from '../../../src/backends/redis/redis-backends.ts';
import { createHealth } from '../../../src/health/check-health.ts';
import { checkDurability } from '../../../src/redis/durability.ts';
import { unknownBackend } from '../../support/backends.ts';
import { openStores, silent } from '../../support/gateway-store.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';

let server: TestRedis;
let stores: Awaited<ReturnType<typeof openStores>>;

beforeAll(async () => {
  server = await startTestRedis();
});
afterAll(() => server.close());
beforeEach(async () => {
  stores = await openStores(server.url);
  onTestFinished(() => stores.close());
});

const up: BackendReport = { ...unknownBackend, name: 'gpu', status: 'UP' };
const down: BackendReport = { ...unknownBackend, name: 'gpu', status: 'DOWN', message: 'connection refused' };

/** A gateway's, with a clock of its own that has nothing to do with Redis's. */
function gatewayHealth(changes: { check?: () => Promise<void> } = {}) {
  let at = 1_000;
  const health = createHealth({
    redis: stores.redis,
    keys: stores.keys,
    store: stores.gateway,
    artifacts: { check: changes.check ?? (async () => undefined) },
    backends: createRedisBackendDirectory(stores.redis, stores.keys),
    version: '1.2.3',
    now: () => at,
    elapsed: () => at,
  });
  return async (passedMs = 2_000) => {
    at += passedMs;
    const { checks, status } = await health();
    return { status, at, checks: Object.fromEntries(checks.map(({ name, ...check }) => [name, check])) };
  };
}

test('every gateway says the same of a server that went: since when it is down, and why', async () => {
  const reporter = createRedisBackendReporter(stores.durable, stores.keys);
  await reporter.report('one', [up]);
  const [first, second] = [gatewayHealth(), gatewayHealth()];
  const { since: upSince } = (await first()).checks.comfyui ?? {};
  expect(Math.abs(Date.now() - (upSince ?? 0))).toBeLessThan(5_000);
  await reporter.report('one', [up]);
  expect((await first()).checks.comfyui).toMatchObject({ status: 'HEALTHY', since: upSince });

  await reporter.report('one', [down]);
  const told = (await first()).checks.comfyui;
  expect(told).toMatchObject({ status: 'UNHEALTHY', message: 'down: gpu (connection refused)' });
  expect(told?.since).toBeGreaterThanOrEqual(upSince ?? 0);
  // Another worker, and another report of the same, change nothing.
  await createRedisBackendReporter(stores.durable, stores.keys).report('two', [down]);
  expect((await second()).checks.comfyui?.since).toBe(told?.since);
});

test('workers are there since the first came, and are gone since the last left', async () => {
  const reporter = createRedisBackendReporter(stores.durable, stores.keys);
  const health = gatewayHealth();
  const none = await health();
  expect(none.checks.workers).toMatchObject({ status: 'DEGRADED', since: none.at });
  await reporter.report('one', [up]);
  const came = (await health()).checks.workers?.since;
  await reporter.report('two', [up]);
  await reporter.leave('one');
  // However quick the machine is, the last one goes later than the first one came.
  await delay(5);
  expect((await health()).checks.workers).toMatchObject({ status: 'HEALTHY', since: came });
  await reporter.leave('two');
  const left = (await health()).checks.workers;
  expect(left).toMatchObject({ status: 'DEGRADED', message: 'no worker is running: jobs are accepted and wait' });
  expect(left?.since).toBeGreaterThan(came ?? 0);
  await reporter.report('three', [up]);
  expect((await health()).checks.workers?.since).toBeGreaterThanOrEqual(left?.since ?? 0);
});

test('storage is as it is since this gateway has seen it so', async () => {
  let failing = false;
  const health = gatewayHealth({ check: () => (failing ? Promise.reject(new Error('gone')) : Promise.resolve()) });
  const { at: first } = await health();
  expect((await health()).checks.storage).toMatchObject({ status: 'HEALTHY', since: first });
  failing = true;
  const { at: went, status } = await health();
  expect(status).toBe('DEGRADED');
  expect((await health()).checks.storage).toMatchObject({ status: 'UNHEALTHY', since: went });
});

test.each([
  [['appendonly', 'no'], ['appendonly', 'yes'], 'appendonly is no: what it acknowledged is lost when it crashes'],
  [['maxmemory-policy', 'allkeys-lru'], ['maxmemory-policy', 'noeviction'], 'maxmemory-policy is allkeys-lru'],
] as const)(
  'a Redis that is set to %j while everything runs is degraded, until it is set back',
  async (bad, good, message) => {
    const health = gatewayHealth();
    expect((await health()).checks.redis).toMatchObject({ status: 'HEALTHY', message: null });
    await stores.redis.config('SET', ...bad);
    const { at, checks } = await health();
    expect(checks.redis).toMatchObject({ status: 'DEGRADED', message: expect.stringContaining(message), since: at });
    await stores.redis.config('SET', ...good);
    expect((await health()).checks.redis).toMatchObject({ status: 'HEALTHY', message: null });
  },
);

test('a start is refused by a Redis that evicts, not by one without a file', async () => {
  await stores.redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
  await expect(checkDurability(stores.redis, silent)).rejects.toThrow(/noeviction/);
  await stores.redis.config('SET', 'maxmemory-policy', 'noeviction');
  await stores.redis.config('SET', 'appendonly', 'no');
  await checkDurability(stores.redis, silent);
  await stores.redis.config('SET', 'appendonly', 'yes');
});
