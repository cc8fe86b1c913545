import { Redis } from 'ioredis';
import { expect, onTestFinished, test, vi } from 'vitest';
import { startRedisClock } from '../../../src/redis/clock.ts';

const EVERY_MS = 10_000;
const START = Date.UTC(2030, 0, 31);

/** A Redis whose clock a test sets, and whose answers take as long as it says; time here stands still otherwise. */
function heldRedis() {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  let passedMs = 1_000;
  vi.spyOn(performance, 'now').mockImplementation(() => passedMs);
  const redis = new Redis({ lazyConnect: true });
  const answer = { at: START, takesMs: 0 };
  const asked = vi.spyOn(redis, 'time').mockImplementation(async () => {
    passedMs += answer.takesMs;
    return [Math.floor(answer.at / 1000), (answer.at % 1000) * 1000];
  });
  onTestFinished(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
    redis.disconnect();
  });
  return {
    redis,
    answer,
    asked,
    pass: (ms: number) => {
      passedMs += ms;
    },
    /** The next time that it is asked. */
    turn: () => vi.advanceTimersByTimeAsync(EVERY_MS),
  };
}

test("shows Redis's time, and runs on by the time that passes here", async () => {
  const { redis, pass } = heldRedis();
  const clock = await startRedisClock(redis);
  expect(clock.now()).toBe(START);
  pass(1_234);
  expect(clock.now()).toBe(START + 1_234);
  clock.close();
});

test('takes an answer to be of the middle of the time that it took', async () => {
  const { redis, answer } = heldRedis();
  answer.takesMs = 400;
  const clock = await startRedisClock(redis);
  expect(clock.now()).toBe(START + 200);
  clock.close();
});

test('does not believe an answer that took long, which says too little of when it was given', async () => {
  const { redis, answer, asked, turn } = heldRedis();
  const clock = await startRedisClock(redis);
  Object.assign(answer, { at: START + 60_000, takesMs: 501 });
  await turn();
  expect(asked).toHaveBeenCalledTimes(2);
  expect(clock.now()).toBe(START + 501);
  answer.takesMs = 500;
  await turn();
  expect(clock.now()).toBe(START + 60_250);
  clock.close();
});

test('goes on while Redis is away, and is asked no more once it is closed', async () => {
  const { redis, asked, pass, turn } = heldRedis();
  const clock = await startRedisClock(redis);
  asked.mockRejectedValue(new Error('Connection is closed.'));
  await turn();
  pass(EVERY_MS);
  expect(clock.now()).toBe(START + EVERY_MS);
  expect(asked).toHaveBeenCalledTimes(2);
  clock.close();
  await turn();
  expect(asked).toHaveBeenCalledTimes(2);
});
