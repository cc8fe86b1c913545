import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { within } from '../../src/async/timeout.ts';
import { closeRedis, connectRedis, createPing, whenReady } from '../../src/redis/connection.ts';
import { whatIsLost } from '../../src/redis/durability.ts';
import { silent } from '../support/gateway-store.ts';
import { startTestRedis, type TestRedis } from '../support/redis.ts';

let server: TestRedis;
beforeAll(async () => {
  server = await startTestRedis();
});
afterAll(() => server.close());

async function connect() {
  const calls: string[] = [];
  const redis = connectRedis({
    url: server.url,
    role: 'durable',
    log: silent,
    onCall(command, seconds) {
      expect(seconds).toBeGreaterThanOrEqual(0);
      calls.push(command);
    },
  });
  onTestFinished(() => closeRedis(redis));
  await whenReady(redis);
  // Those of the handshake.
  await redis.ping();
  calls.length = 0;
  return { redis, calls };
}

test('each command is told of once, whether it succeeds, fails or is one of many', async () => {
  const { redis, calls } = await connect();
  await redis.set('text', 'a');
  await expect(redis.lpush('text', 'a')).rejects.toThrow('WRONGTYPE');
  await redis.pipeline().get('text').strlen('text').exec();
  await redis.multi().del('text').exec();
  expect(calls).toEqual(['set', 'lpush', 'get', 'strlen', 'multi', 'del', 'exec']);
});

test('commands of one turn of the event loop go out in one write, also those of callers who just had an answer', async () => {
  const { redis } = await connect();
  const { stream } = redis;
  const writes: number[] = [];
  // What a stream calls with all that waits, and what it calls with each piece otherwise.
  const writev = stream._writev?.bind(stream);
  if (!writev) throw new Error('a socket writes no lists');
  stream._writev = (chunks, callback) => {
    writes.push(chunks.length);
    writev(chunks, callback);
  };
  const answered = Promise.resolve();
  await Promise.all([redis.set('a', '1'), redis.set('b', '2'), answered.then(() => redis.get('a'))]);
  expect(writes).toEqual([3]);
});

test('one that is sent again behind a reconnect is told of once', async () => {
  const { redis, calls } = await connect();
  server.pause();
  const answer = redis.incr('counter');
  await server.restart();
  expect(await answer).toBe(1);
  // Whatever its answer has set off is over by then.
  await redis.ping();
  expect(calls.filter((name) => name === 'incr')).toEqual(['incr']);
});

test('an answer that came while this process stood still is not late', async () => {
  const redis = connectRedis({ url: server.url, role: 'request', log: silent });
  onTestFinished(() => closeRedis(redis));
  await whenReady(redis);
  const answers = [redis.ping(), within(1_000, redis.echo('x')), createPing(redis)(1_000)];
  execFileSync('sleep', ['2']);
  expect(await Promise.all(answers)).toEqual(['PONG', 'x', true]);
});

test('what waits by intent, on a connection of its own, is not told of', async () => {
  const { redis, calls } = await connect();
  const waiting = redis.duplicate();
  onTestFinished(async () => waiting.disconnect());
  expect(await waiting.bzpopmin('nothing', 0.05)).toBeNull();
  expect(calls).toEqual([]);
});

test('is durable only while it evicts nothing and writes its append-only file', async () => {
  const { redis } = await connect();
  expect(await whatIsLost(redis)).toBeNull();
  for (const [setting, bad, good] of [
    ['appendonly', 'no', 'yes'],
    ['maxmemory-policy', 'volatile-lru', 'noeviction'],
  ] as const) {
    await redis.config('SET', setting, bad);
    expect(await whatIsLost(redis)).not.toBeNull();
    await redis.config('SET', setting, good);
    expect(await whatIsLost(redis)).toBeNull();
  }
});
