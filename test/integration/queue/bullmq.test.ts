import { setTimeout as delay } from 'node:timers/promises';
import { v7 } from 'uuid';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createBullConsumer, createBullQueue } from '../../../src/queue/bullmq/bullmq.ts';
import type { DeliveryHandler, JobConsumer, JobQueue } from '../../../src/queue/queue.ts';
import { closeRedis, connectRedis, whenReady } from '../../../src/redis/connection.ts';
import { openStores, silent } from '../../support/gateway-store.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';

let server: TestRedis;
let stores: Awaited<ReturnType<typeof openStores>>;
let queue: JobQueue;
const consumers: JobConsumer[] = [];
const connections: ReturnType<typeof connectRedis>[] = [];

beforeAll(async () => {
  server = await startTestRedis();
});
afterAll(() => server.close());
beforeEach(async () => {
  stores = await openStores(server.url);
  queue = createBullQueue(stores.redis, stores.keys, silent);
});
afterEach(async () => {
  await Promise.all(consumers.splice(0).map((consumer) => consumer.close()));
  await queue.close();
  await Promise.all(connections.splice(0).map(closeRedis));
  await stores.close();
});

async function consume(handler: DeliveryHandler, slots = 1) {
  const redis = connectRedis({ url: server.url, role: 'durable', log: silent });
  connections.push(redis);
  await whenReady(redis);
  const consumer = createBullConsumer(redis, stores.keys, handler, silent);
  consumers.push(consumer);
  consumer.setCapacity(slots);
  return consumer;
}

it('delivers by insertion', async () => {
  const ids = Array.from({ length: 4 }, () => v7());
  for (const id of ids) await queue.add(id);

  const delivered: string[] = [];
  await consume(async (id) => {
    delivered.push(id);
    return { done: true };
  });
  await vi.waitFor(() => expect(delivered).toEqual(ids), { timeout: 5_000 });
});

it('holds an id once, and takes it again when it is done with', async () => {
  const id = v7();
  await Promise.all(Array.from({ length: 20 }, () => queue.add(id)));
  expect(await queue.missing([id])).toEqual([]);
  let deliveries = 0;
  await consume(async () => {
    deliveries++;
    return { done: true };
  });
  await vi.waitFor(async () => expect(await queue.missing([id])).toEqual([id]));
  expect(deliveries).toBe(1);
  await queue.add(id);
  await vi.waitFor(() => expect(deliveries).toBe(2));
});

it('delivers what was put back before others', async () => {
  const [first = '', second = '', third = ''] = Array.from({ length: 3 }, () => v7());
  for (const id of [first, second, third]) await queue.add(id);
  const delivered: string[] = [];
  const again = Promise.withResolvers<void>();
  await consume(async (id) => {
    delivered.push(id);
    if (delivered.length === 1) return { done: false, delayMs: 60_000 };
    if (id === second) await again.promise;
    return { done: true };
  });
  await vi.waitFor(() => expect(delivered).toEqual([first, second]));
  // Its time has come: that of its delay is not to pass before the second one is taken.
  await stores.redis.zadd(`${stores.keys.queue}:tickets:delayed`, 'XX', 1, first);
  again.resolve();
  await vi.waitFor(() => expect(delivered).toEqual([first, second, first, third]), { timeout: 5_000 });
});

it('takes more at once when it may, though all that it has go on', async () => {
  const delivered: string[] = [];
  const end = Promise.withResolvers<void>();
  const consumer = await consume(async (id) => {
    delivered.push(id);
    await end.promise;
    return { done: true };
  });
  for (let i = 0; i < 4; i++) await queue.add(v7());
  await vi.waitFor(() => expect(delivered).toHaveLength(1));
  consumer.setCapacity(3);
  await vi.waitFor(() => expect(delivered).toHaveLength(3));
  consumer.setCapacity(2);
  end.resolve();
  await vi.waitFor(() => expect(delivered).toHaveLength(4));
});

it('delivers again after a delay what was put back', async () => {
  const times: number[] = [];
  await consume(async () => {
    times.push(performance.now());
    return times.length === 1 ? { done: false, delayMs: 300 } : { done: true };
  });
  await queue.add(v7());
  await vi.waitFor(() => expect(times).toHaveLength(2), { timeout: 5_000 });
  expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(290);
});

it('delivers at once what is promoted, and leaves alone what is not put back', async () => {
  const id = v7();
  let deliveries = 0;
  const consumer = await consume(async () => ({ done: ++deliveries > 1, delayMs: 60_000 }));
  await queue.add(id);
  await vi.waitFor(async () => expect(await stores.redis.zcard(`${stores.keys.queue}:tickets:delayed`)).toBe(1));
  consumer.promote(v7());
  consumer.promote(id);
  await vi.waitFor(async () => expect(await queue.missing([id])).toEqual([id]), { timeout: 5_000 });
  expect(deliveries).toBe(2);
});

it('takes nothing without capacity and goes on as soon as there is some', async () => {
  const delivered: string[] = [];
  const consumer = await consume(async (id) => {
    delivered.push(id);
    return { done: true };
  });
  await queue.add(v7());
  await vi.waitFor(() => expect(delivered).toHaveLength(1));
  consumer.setCapacity(0);
  // One fetch may have been under way when it was told.
  await queue.add(v7());
  await queue.add(v7());
  await delay(300);
  expect(delivered.length).toBeLessThanOrEqual(2);
  consumer.setCapacity(2);
  await vi.waitFor(() => expect(delivered).toHaveLength(3), { timeout: 8_000 });
});

it('holds as many deliveries at once as there is capacity for', async () => {
  let now = 0;
  let most = 0;
  const gate = Promise.withResolvers<void>();
  await consume(async () => {
    now++;
    most = Math.max(most, now);
    await gate.promise;
    now--;
    return { done: true };
  }, 3);
  const ids = Array.from({ length: 6 }, () => v7());
  for (const id of ids) await queue.add(id);
  await vi.waitFor(() => expect(now).toBe(3));
  await delay(200);
  gate.resolve();
  await vi.waitFor(async () => expect(await queue.missing(ids)).toEqual(ids));
  expect(most).toBe(3);
});

describe('a lock that could not be renewed in time', () => {
  async function holdOne() {
    const id = v7();
    const held: AbortSignal[] = [];
    const gate = Promise.withResolvers<void>();
    await consume(async (_id, signal) => {
      held.push(signal);
      await gate.promise;
      return { done: true };
    });
    await queue.add(id);
    await vi.waitFor(() => expect(held).toHaveLength(1));
    return { id, held, gate, lock: `${stores.keys.queue}:tickets:${id}:lock` };
  }

  it('is taken again, and its delivery goes on, where nobody else has it', async () => {
    const { id, held, gate, lock } = await holdOne();
    const token = await stores.redis.getdel(lock);
    await vi.waitFor(async () => expect(await stores.redis.get(lock)).toBe(token), { timeout: 12_000 });
    expect(held.map(({ aborted }) => aborted)).toEqual([false]);
    gate.resolve();
    await vi.waitFor(async () => expect(await queue.missing([id])).toEqual([id]));
    expect(held).toHaveLength(1);
  });

  it('ends the delivery where another has it', async () => {
    const { held, gate, lock } = await holdOne();
    await stores.redis.set(lock, 'of another');
    await vi.waitFor(() => expect(held[0]?.aborted).toBe(true), { timeout: 12_000 });
    expect(await stores.redis.get(lock)).toBe('of another');
    gate.resolve();
  });

  it('ends the delivery where it waits in the queue again', async () => {
    const { id, held, gate, lock } = await holdOne();
    await stores.redis.multi().del(lock).lrem(`${stores.keys.queue}:tickets:active`, 0, id).exec();
    await vi.waitFor(() => expect(held[0]?.aborted).toBe(true), { timeout: 12_000 });
    expect(await stores.redis.exists(lock)).toBe(0);
    gate.resolve();
  });
});

it('removes what waits and leaves what is held', async () => {
  const gate = Promise.withResolvers<void>();
  let started = false;
  await consume(async () => {
    started = true;
    await gate.promise;
    return { done: true };
  });
  const held = v7();
  const waiting = v7();
  await queue.add(held);
  await vi.waitFor(() => expect(started).toBe(true));
  await queue.add(waiting);
  await queue.remove(waiting);
  await queue.remove(held).catch(() => undefined);
  expect(await queue.missing([waiting, held])).toEqual([waiting]);
  gate.resolve();
});

it('resumes by itself after Redis was killed and came back', async () => {
  const delivered: string[] = [];
  await consume(async (id) => {
    delivered.push(id);
    return { done: true };
  });
  const before = v7();
  await queue.add(before);
  await vi.waitFor(() => expect(delivered).toEqual([before]));
  await server.kill();
  await expect(queue.add(v7())).rejects.toThrow();
  await server.restart();
  const after = v7();
  await vi.waitFor(() => queue.add(after), { timeout: 5_000 });
  await vi.waitFor(() => expect(delivered).toContain(after), { timeout: 10_000 });
});
