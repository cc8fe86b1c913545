import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { startTestRedis } from '../support/redis.ts';

test('a test Redis keeps what it acknowledged through SIGKILL, on the same address', async () => {
  const redis = await startTestRedis();
  const client = new Redis(redis.url);
  try {
    const { pid } = redis;
    await client.set('key', 'kept');
    await redis.kill();
    await redis.restart();
    expect(redis.pid).not.toBe(pid);
    expect(await client.get('key')).toBe('kept');
    redis.pause();
    const answer = client.get('key');
    redis.resume();
    expect(await answer).toBe('kept');
  } finally {
    client.disconnect();
    await redis.close();
    await redis.close();
  }
});
