import { expect, it } from 'vitest';
import { startProduct } from '../../support/process.ts';
import { startTestRedis } from '../../support/redis.ts';

it('`comfygate keys` makes a key in the installation of its environment, and finds it there', {
  timeout: 60_000,
}, async (test) => {
  const redis = await startTestRedis();
  test.onTestFinished(redis.close);
  const keys = async (...args: string[]) => {
    const running = startProduct(['keys', ...args], { REDIS_URL: redis.url });
    return { code: await running.exited, text: running.output() };
  };
  const made = await keys('create', '--caller', 'acme', '--json');
  expect(made.code).toBe(0);
  const { key, id } = JSON.parse(made.text);
  const [shown, typo] = await Promise.all([keys('show', key, '--json'), keys('show', key.replace(/.$/, '!'))]);
  expect(JSON.parse(shown.text)).toMatchObject({ id, caller: 'acme', state: 'active' });
  expect(typo).toEqual({ code: 1, text: expect.stringContaining('checksum is wrong') });
});
