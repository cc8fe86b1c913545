import { afterAll, beforeAll, expect, it } from 'vitest';
import { createRedisHandover } from '../../../src/job-record/redis/redis-handover.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';
import { openFairShare } from './fair-share.ts';

let server: TestRedis;
beforeAll(async () => {
  server = await startTestRedis();
});
afterAll(() => server.close());

it('a full Redis, in which none can be claimed, gives no ticket a job: each keeps its place', async (test) => {
  const share = await openFairShare(server.url);
  test.onTestFinished(share.close);
  const first = await share.accept('few', { weight: 4 });
  await share.accept('many');
  const [ticket, other] = [...share.tickets];
  await share.redis.config('SET', 'maxmemory', '1');
  try {
    await expect(share.pick(ticket)).rejects.toThrow('OOM');
  } finally {
    await share.redis.config('SET', 'maxmemory', '0');
  }
  expect(await share.chargedOf([first])).toBe(0);
  // The first ticket waits to be delivered again.
  expect(await share.pick(other)).toMatchObject({ id: first });
});

it('a worker that was stopped between its pick and its claim starts no job that was parked meanwhile', async (test) => {
  const share = await openFairShare(server.url);
  test.onTestFinished(share.close);
  await share.redis.hset(share.keys.plan('a'), 'running', 1);
  const [stopped, next] = [await share.accept('a'), await share.accept('a')];
  const [ticket, other] = [...share.tickets];
  expect(await share.pick(ticket)).toMatchObject({ id: stopped });
  // It was delivered again, to a worker whose servers were all taken, and its caller's turn went to its next job.
  expect(await share.pick(ticket)).toMatchObject({ id: stopped });
  await share.worker.park(stopped);
  expect(await share.pick(other)).toMatchObject({ id: next });
  const lease = await share.claim(next);

  expect(await share.worker.claim(stopped)).toEqual({ outcome: 'gone' });
  expect(await share.redis.zrange(share.keys.jobs('a', 'RUNNING'), 0, -1)).toEqual([next]);
  await share.end(next, lease, 1_000);
  expect(await share.pick(ticket)).toMatchObject({ id: stopped });
  expect(await share.worker.claim(stopped)).toMatchObject({ outcome: 'claimed' });
});

it('whoever comes while estimates of others are too long is not put behind what these are given back', async (test) => {
  const share = await openFairShare(server.url);
  test.onTestFinished(share.close);
  const BACKLOG = 20;
  for (let i = 0; i < BACKLOG; i++) await share.accept('many', { gpuMs: 60_000 });
  const tickets = [...share.tickets];
  const running: { id: string; lease: number }[] = [];
  for (const ticket of tickets.splice(0, 4)) {
    const { id = '' } = (await share.pick(ticket)) ?? {};
    running.push({ id, lease: await share.claim(id) });
  }
  const few = await share.accept('few', { gpuMs: 60_000 });
  for (const { id, lease } of running) await share.end(id, lease, 100);
  expect(await share.pick(tickets.shift())).toMatchObject({ id: few });
});

it('of a job that is handed over while it runs nothing stays to be corrected', async (test) => {
  const share = await openFairShare(server.url);
  test.onTestFinished(share.close);
  const id = await share.accept('before');
  await share.accept('before');
  const [ticket] = [...share.tickets];
  expect(await share.pick(ticket)).toMatchObject({ id });
  const lease = await share.claim(id);
  await createRedisHandover(share.redis, share.keys).assign(id, 'before', 'after', []);
  await share.end(id, lease, 1_000);
  const unsettled = (caller: string) => share.redis.hget(share.fair(`caller:${caller}`), 'unsettled');
  expect(await Promise.all([unsettled('before'), unsettled('after')])).toEqual(['0', null]);
});
