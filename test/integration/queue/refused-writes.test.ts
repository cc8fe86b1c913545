import { setTimeout as delay } from 'node:timers/promises';
import { v7 } from 'uuid';
import { expect, it, vi } from 'vitest';
import { createBullConsumer, createBullQueue } from '../../../src/queue/bullmq/bullmq.ts';
import { closeRedis, connectRedis, whenReady } from '../../../src/redis/connection.ts';
import { openStores, silent } from '../../support/gateway-store.ts';
import { startTestRedis } from '../../support/redis.ts';
import { ask } from '../../support/sentinel.ts';

it.each(['min-replicas-to-write', 'maxmemory'])(
  'a worker whose writes Redis refuses (%s) asks now and then, not in a loop, and goes on when it may',
  async (refuse) => {
    await using stack = new AsyncDisposableStack();
    const server = await startTestRedis();
    stack.defer(server.close);
    const stores = await openStores(server.url);
    stack.defer(stores.close);
    const queue = createBullQueue(stores.redis, stores.keys, silent);
    stack.defer(queue.close);
    const redis = connectRedis({ url: server.url, role: 'durable', log: silent });
    stack.defer(() => closeRedis(redis));
    await whenReady(redis);
    const delivered: string[] = [];
    const handle = async (id: string) => {
      delivered.push(id);
      return { done: true } as const;
    };
    const consumer = createBullConsumer(redis, stores.keys, handle, silent);
    stack.defer(consumer.close);
    const [first, second] = [v7(), v7()];
    await queue.add(first);
    await ask(server.url, (admin) => admin.config('SET', refuse, '1'));

    const asked = async () => {
      const stats = await ask(server.url, (admin) => admin.info('commandstats'));
      const [, calls = 0, refused = 0] = /cmdstat_evalsha:calls=(\d+),.*rejected_calls=(\d+)/.exec(stats) ?? [];
      return Number(calls) + Number(refused);
    };
    const before = await asked();
    consumer.setCapacity(1);
    // Nothing to wait for: it is what does not happen in this time. By itself BullMQ asks some thousand times a second.
    await delay(3_000);
    const times = (await asked()) - before;
    expect(times).toBeLessThan(150);
    await expect(queue.add(second)).rejects.toThrow(/NOREPLICAS|OOM/);
    expect(delivered).toEqual([]);
    await ask(server.url, (admin) => admin.config('SET', refuse, '0'));
    await whenReady(stores.redis);
    await queue.add(second);
    await vi.waitFor(() => expect(delivered).toEqual([first, second]), { timeout: 15_000 });
  },
);
