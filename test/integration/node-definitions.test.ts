import { randomBytes } from 'node:crypto';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { LookRequest } from '../../src/backends/node-definitions.ts';
import { createRedisBackendDirectory, createRedisBackendReporter } from '../../src/backends/redis/redis-backends.ts';
import { createRedisLookRequests } from '../../src/backends/redis/redis-look-requests.ts';
import {
  createRedisNodeDefinitionsDirectory,
  createRedisNodeDefinitionsPublisher,
} from '../../src/backends/redis/redis-node-definitions.ts';
import { encodeNodeDefinitions, type NodeDefinitions } from '../../src/core/node-definitions.ts';
import { objectInfoSchema } from '../../src/core/object-info.ts';
import { closeRedis, connectRedis } from '../../src/redis/connection.ts';
import { unknownBackend } from '../support/backends.ts';
import { openStores, silent } from '../support/gateway-store.ts';
import { startTestRedis, type TestRedis } from '../support/redis.ts';
import { timed } from '../support/stopwatch.ts';

const WEEK_MS = 7 * 86_400_000;

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

const withModels = (...models: string[]): NodeDefinitions =>
  objectInfoSchema.parse({ Load: { input: { required: { name: [models] } }, output_node: true } });

function open(log = silent) {
  const { redis, durable, keys } = stores;
  const backends = createRedisBackendDirectory(redis, keys);
  return {
    publisher: createRedisNodeDefinitionsPublisher(durable, keys),
    reporter: createRedisBackendReporter(durable, keys),
    directory: createRedisNodeDefinitionsDirectory({ redis, keys, backends, log }),
  };
}

const up = (name: string, catalogue: string | null) => ({ ...unknownBackend, name, status: 'UP' as const, catalogue });

test('a catalogue is kept once, whoever publishes it, a week from the last time', async () => {
  const { redis, keys } = stores;
  const { hash } = encodeNodeDefinitions(withModels('a'));
  expect(await open().publisher.publish(withModels('a'))).toBe(hash);
  await redis.pexpire(keys.nodeDefinitions(hash), 1_000);
  const before = await redis.getBuffer(keys.nodeDefinitions(hash));
  const writes = vi.spyOn(stores.durable, 'set');
  expect(await open().publisher.publish(withModels('a'))).toBe(hash);
  expect(writes).not.toHaveBeenCalled();
  expect(await redis.getBuffer(keys.nodeDefinitions(hash))).toEqual(before);
  expect(await redis.pttl(keys.nodeDefinitions(hash))).toBeGreaterThan(WEEK_MS - 60_000);
  expect(await redis.keys(keys.nodeDefinitions('*'))).toHaveLength(1);
});

test('B13 of a server that always has other classes the last 32 are kept, and none that are too large', async () => {
  const { redis, keys } = stores;
  const { publisher } = open();
  const first = await publisher.publish(withModels('first'));
  for (let i = 0; i < 40; i++) {
    await publisher.publish(withModels(`model ${i}`));
    expect(await publisher.publish(withModels('first'))).toBe(first);
  }
  expect(await redis.keys(keys.nodeDefinitions('*'))).toHaveLength(32);
  expect(await redis.exists(keys.nodeDefinitions(first ?? ''))).toBe(1);
  const names = Array.from({ length: 12 }, () => randomBytes(500_000).toString('base64'));
  expect(await publisher.publish(withModels(...names))).toBeNull();
  expect(await redis.keys(keys.nodeDefinitions('*'))).toHaveLength(32);
});

test('servers with the same classes share a catalogue; one that nobody has read has none', async () => {
  const { publisher, reporter, directory } = open();
  const hash = await publisher.publish(withModels('a'));
  await reporter.report('worker', [up('one', hash), up('two', hash), up('three', null), up('four', 'gone')]);
  const seen = new Map((await directory.read()).map((each) => [each.name, each]));
  expect(seen.get('one')).toEqual({ name: 'one', status: 'UP', configured: true, nodeDefinitions: withModels('a') });
  expect(seen.get('two')?.nodeDefinitions).toBe(seen.get('one')?.nodeDefinitions);
  expect([seen.get('three')?.nodeDefinitions, seen.get('four')?.nodeDefinitions]).toEqual([null, null]);
  expect(await directory.tryRead()).toEqual([...seen.values()]);
});

test('what has changed is seen within two seconds, what has not is not read again', async () => {
  const { publisher, reporter, directory } = open();
  await reporter.report('worker', [up('one', await publisher.publish(withModels('a')))]);
  const [first] = await directory.read();
  const reads = vi.spyOn(stores.redis, 'getBuffer');
  await reporter.report('worker', [up('one', await publisher.publish(withModels('a', 'b'))), up('two', null)]);
  const both = withModels('a', 'b');
  const changed = vi.waitFor(async () => expect((await directory.tryRead())?.[0]?.nodeDefinitions).toEqual(both));
  expect((await timed(changed)).ms).toBeLessThan(3_500);
  await reporter.report('worker', [up('two', null)]);
  const come = vi.waitFor(async () => expect(await directory.tryRead()).toHaveLength(2));
  expect((await timed(come)).ms).toBeLessThan(3_500);
  expect(reads).toHaveBeenCalledTimes(1);
  expect(first?.nodeDefinitions).toEqual(withModels('a'));
});

test('one in a form that is not known is as one that nobody has read, and said once', async () => {
  const lines: string[] = [];
  const { publisher, reporter, directory } = open(pino({ level: 'info' }, { write: (line) => void lines.push(line) }));
  const hash = await publisher.publish(withModels('a'));
  await stores.redis.set(stores.keys.nodeDefinitions('later'), 'garbage');
  await reporter.report('worker', [up('one', hash), up('two', 'later')]);
  const known = async () =>
    new Map((await directory.read()).map(({ name, nodeDefinitions }) => [name, nodeDefinitions !== null]));
  expect(await known()).toEqual(
    new Map([
      ['one', true],
      ['two', false],
    ]),
  );
  await reporter.report('worker', [up('one', hash), up('two', 'later'), up('three', hash)]);
  await vi.waitFor(async () => expect((await known()).size).toBe(3));
  expect(lines).toHaveLength(1);
});

test('many callers at once read once', async () => {
  const { publisher, reporter, directory } = open();
  await reporter.report('worker', [up('one', await publisher.publish(withModels('a')))]);
  const reads = vi.spyOn(stores.redis, 'zrange');
  await Promise.all(Array.from({ length: 50 }, () => directory.tryRead()));
  expect(reads).toHaveBeenCalledTimes(1);
});

test('a Redis that is silent or away delays tryRead by no more than a moment, and fails a read', async () => {
  const { publisher, reporter, directory } = open();
  await reporter.report('worker', [up('one', await publisher.publish(withModels('a')))]);
  server.pause();
  try {
    const { answer, ms } = await timed(directory.tryRead());
    expect(answer).toBeNull();
    expect(ms).toBeLessThan(1_000);
    await expect(directory.read()).rejects.toThrow();
    expect(await directory.tryRead()).toBeNull();
  } finally {
    server.resume();
  }
  await vi.waitFor(async () => expect(await directory.tryRead()).toHaveLength(1), { timeout: 10_000 });
});

describe('classes that are looked at again', () => {
  const at = (name: string, catalogue: string | null, lookedAgain: number) => ({ ...up(name, catalogue), lookedAgain });

  async function listen() {
    const subscriber = connectRedis({ url: server.url, role: 'subscriber', log: silent });
    onTestFinished(() => closeRedis(subscriber));
    const asked: LookRequest[] = [];
    createRedisLookRequests(subscriber, stores.keys, silent).listen((request) => asked.push(request));
    await vi.waitFor(async () => {
      const counts = await stores.redis.pubsub('NUMSUB', stores.keys.lookRequests);
      expect(counts).toEqual([stores.keys.lookRequests, 1]);
    });
    return asked;
  }

  test('are those of all servers whose workers can be asked, reached ones alone', async () => {
    const { publisher, reporter, directory } = open();
    const asked = await listen();
    const [before, after] = await Promise.all([withModels('a'), withModels('a', 'b')].map(publisher.publish));
    const others = [up('old', before ?? null), { ...at('down', before ?? null, 0), status: 'DOWN' as const }];
    await reporter.report('worker', [...others, at('one', before ?? null, 0), at('two', before ?? null, 0)]);
    let done = false;
    const looking = directory.lookAgain(['Load']).finally(() => {
      done = true;
    });
    await vi.waitFor(() => expect(asked).toEqual([{ at: expect.any(Number), classes: ['Load'] }]));
    const now = asked[0]?.at ?? 0;
    await reporter.report('worker', [at('one', after ?? null, now)]);
    expect(done).toBe(false);
    await reporter.report('worker', [at('two', after ?? null, now)]);
    const seen = new Map((await looking)?.map((each) => [each.name, each.nodeDefinitions]));
    expect(seen.get('one')).toEqual(withModels('a', 'b'));
    expect(seen.get('two')).toEqual(withModels('a', 'b'));
    expect(seen.get('old')).toEqual(withModels('a'));
  });

  test('are those that are known where a worker does not answer, or none can be asked', async () => {
    const { publisher, reporter, directory } = open();
    const hash = await publisher.publish(withModels('a'));
    await reporter.report('worker', [up('old', hash)]);
    expect(await directory.lookAgain(['Load'])).toMatchObject([{ nodeDefinitions: withModels('a') }]);
    await reporter.report('worker', [at('silent', hash, 0)]);
    expect(await directory.lookAgain(['Load'])).toHaveLength(2);
  });

  test('are looked at together, whoever asks meanwhile', async () => {
    const { publisher, reporter, directory } = open();
    const asked = await listen();
    const hash = await publisher.publish(withModels('a'));
    await reporter.report('worker', [at('one', hash, 0)]);
    const first = directory.lookAgain(['A']);
    await vi.waitFor(() => expect(asked).toHaveLength(1));
    const others = Array.from({ length: 200 }, (_, i) => directory.lookAgain(['B', `C${i}`]));
    await reporter.report('worker', [at('one', hash, asked[0]?.at ?? 0)]);
    await first;
    await vi.waitFor(() => expect(asked).toHaveLength(2));
    expect(asked[1]?.classes).toHaveLength(64);
    await reporter.report('worker', [at('one', hash, asked[1]?.at ?? 0)]);
    await Promise.all(others);
    expect(asked).toHaveLength(2);
  });

  test('of a Redis that is away there are none', async () => {
    const { directory } = open();
    stores.redis.disconnect();
    expect(await directory.lookAgain(['Load'])).toBeNull();
  });
});
