import { randomUUID } from 'node:crypto';
import { expect, it, onTestFinished, vi } from 'vitest';
import { createBullQueue } from '../../../src/queue/bullmq/bullmq.ts';
import { closeRedis, connectRedis, createPing, untilAnswered, whenReady } from '../../../src/redis/connection.ts';
import { createKeys } from '../../../src/redis/keys.ts';
import { silent } from '../../support/gateway-store.ts';
import { startTestRedis } from '../../support/redis.ts';
import { timed } from '../../support/stopwatch.ts';
import { startTcpProxy } from '../../support/tcp-proxy.ts';

/** A request connection that is ready, over a wire that can be broken. */
async function connected() {
  const server = await startTestRedis();
  onTestFinished(server.close);
  const wire = await startTcpProxy(server.port);
  onTestFinished(wire.close);
  const redis = connectRedis({ url: `redis://127.0.0.1:${wire.port}`, role: 'request', log: silent });
  onTestFinished(() => closeRedis(redis));
  await whenReady(redis);
  return { redis, wire };
}

it('a queue that was opened while Redis was silent takes jobs as soon as Redis answers', async () => {
  const { redis, wire } = await connected();
  wire.blackHole(true);
  const queue = createBullQueue(redis, createKeys('slow'), silent);
  onTestFinished(() => queue.close());
  const id = randomUUID();
  await expect(queue.add(id)).rejects.toThrow('Command timed out');
  wire.blackHole(false);
  await vi.waitFor(() => queue.add(id), { timeout: 10_000 });
  expect(await queue.missing([id])).toEqual([]);
});

it('a start waits for a Redis that is silent, and readiness does not', async () => {
  const { redis, wire } = await connected();
  wire.blackHole(true);
  let asked = 0;
  const answer = untilAnswered(redis, silent, () => {
    asked++;
    return redis.time();
  });
  const ping = createPing(redis);
  const { answer: pong, ms } = await timed(ping(100));
  expect(pong).toBe(false);
  expect(ms).toBeLessThan(1_000);
  await vi.waitFor(() => expect(asked).toBeGreaterThan(1), { timeout: 10_000 });
  wire.blackHole(false);
  expect(await answer).toHaveLength(2);
  expect(await ping(1_000)).toBe(true);
});

it('a start does not wait for what no time will mend', async () => {
  const { redis } = await connected();
  await expect(untilAnswered(redis, silent, () => Promise.reject(new Error('a wrong setting')))).rejects.toThrow(
    'a wrong setting',
  );
});

it('calls in a row are told of a silent Redis as soon as one is, and the next after its answer succeeds', async () => {
  const { redis, wire } = await connected();
  wire.blackHole(true);
  const { ms } = await timed(expect(redis.set('written', 'late')).rejects.toThrow('Command timed out'));
  const again = await timed(
    (async () => {
      for (const _ of Array(20)) await expect(redis.time()).rejects.toThrow('Command timed out');
      const answers = await redis.pipeline().time().get('written').exec();
      expect(answers?.map(([error]) => error?.message)).toEqual(['Command timed out', 'Command timed out']);
    })(),
  );
  expect(again.ms).toBeLessThan(ms / 2);
  wire.blackHole(false);
  await expect.poll(() => redis.get('written').catch(() => null)).toBe('late');
});

it('a new connection does not wait for what the last one was not answered', async () => {
  const { redis, wire } = await connected();
  wire.blackHole(true);
  await expect(redis.time()).rejects.toThrow('Command timed out');
  wire.cut();
  wire.blackHole(false);
  await expect.poll(() => redis.echo('here').catch(() => null)).toBe('here');
});
