import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { RedisPubSub } from 'graphql-redis-subscriptions';
import { Redis } from 'ioredis';
import { expect, it, type TestContext } from 'vitest';
import { closeRedis, connectRedis, whenReady } from '../../src/redis/connection.ts';
import { isRedisDown } from '../../src/redis/is-down.ts';
import { silent } from '../support/gateway-store.ts';
import { startTestRedis } from '../support/redis.ts';

/** A Redis of its own, and a connection that subscribes there. */
async function open({ onTestFinished }: TestContext) {
  const server = await startTestRedis();
  onTestFinished(server.close);
  const admin = new Redis(server.url);
  onTestFinished(async () => admin.disconnect());
  const subscriber = connectRedis({ url: server.url, role: 'subscriber', log: silent });
  onTestFinished(() => closeRedis(subscriber));
  return { admin, subscriber };
}

/** A rejection that nobody has taken is told once all that was due has run. */
async function turns(): Promise<void> {
  for (let i = 0; i < 3; i++) await turn();
}

it('subscribes again, and takes new subscriptions, however often its connection is cut', async (test) => {
  const { admin, subscriber } = await open(test);
  await whenReady(subscriber);
  const heard = new Set<string>();
  subscriber.on('message', (channel: string) => heard.add(channel));

  const faults: unknown[] = [];
  const channels: string[] = [];
  for (let round = 0; round < 40; round++) {
    await admin.client('KILL', 'TYPE', 'pubsub');
    // At every moment of the new connection.
    for (let i = 0; i < 40; i++) {
      const channel = `${round}:${i}`;
      subscriber.subscribe(channel).then(
        () => channels.push(channel),
        (error: unknown) => faults.push(error),
      );
      await sleep(2);
    }
  }
  await subscriber.subscribe('last');
  expect(faults.filter((error) => !isRedisDown(error))).toEqual([]);
  for (const channel of channels) await admin.publish(channel, '');
  await admin.publish('last', '');
  await expect.poll(() => heard.size).toBe(channels.length + 1);
}, 60_000);

it('what is given up while it connects again is not subscribed to again', async (test) => {
  const { admin, subscriber } = await open(test);
  await subscriber.subscribe('kept', 'left');
  const givenUp = new Promise((resolve, reject) => {
    subscriber.once('connect', () => subscriber.unsubscribe('left').then(resolve, reject));
  });
  await admin.client('KILL', 'TYPE', 'pubsub');
  await givenUp;
  await whenReady(subscriber);
  // Answered behind whatever the connection has asked for when it became ready.
  await subscriber.ping();
  expect(await admin.pubsub('CHANNELS')).toEqual(['kept']);
}, 30_000);

it('reports a refused subscription to its caller alone, also before the connection is ready', async (test) => {
  const server = await startTestRedis();
  test.onTestFinished(server.close);
  const admin = new Redis(server.url);
  test.onTestFinished(async () => admin.disconnect());
  await admin.acl('SETUSER', 'limited', 'on', '>pw', '+@all', '~*', 'resetchannels', '&allowed');
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => unhandled.push(reason);
  process.on('unhandledRejection', note);
  test.onTestFinished(() => void process.off('unhandledRejection', note));
  const url = server.url.replace('redis://', 'redis://limited:pw@');
  const subscriber = connectRedis({ url, role: 'subscriber', log: silent });
  test.onTestFinished(() => closeRedis(subscriber));
  const refused = new Promise((resolve) => {
    subscriber.once('connect', () => {
      subscriber.subscribe('forbidden').then(resolve, resolve);
    });
  });
  expect(String(await refused)).toContain('NOPERM');
  await turns();
  expect(unhandled).toEqual([]);
});

it('leaves no unhandled rejection behind when its connection ends in the middle of an UNSUBSCRIBE', async (test) => {
  const server = await startTestRedis();
  test.onTestFinished(server.close);
  const admin = new Redis(server.url);
  test.onTestFinished(async () => admin.disconnect());
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => unhandled.push(reason);
  process.on('unhandledRejection', note);
  test.onTestFinished(() => void process.off('unhandledRejection', note));
  const subscriber = connectRedis({ url: server.url, role: 'subscriber', log: silent });
  await whenReady(subscriber);
  const pubsub = new RedisPubSub({ publisher: subscriber, subscriber });
  const id = await pubsub.subscribe('channel', () => undefined);
  // It answers nobody for so long.
  await admin.client('PAUSE', 60_000, 'ALL');
  pubsub.unsubscribe(id);
  const cutShort = subscriber.unsubscribe('channel');
  subscriber.disconnect();
  await expect(cutShort).rejects.toThrow('Connection is closed');
  await turns();
  expect(unhandled).toEqual([]);
});
