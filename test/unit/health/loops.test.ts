import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createLoops, type Loops } from '../../../src/observability/loops.ts';

let loops: Loops;

beforeEach(() => {
  vi.useFakeTimers();
  loops = createLoops({ lateMs: 60_000 });
});
afterEach(() => {
  loops.close();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

test('a loop that turns is never late, one that does not is, since its last turn', () => {
  const turn = loops.add('moves');
  const stuckAt = Date.now();
  loops.add('stuck');
  for (let i = 0; i < 10; i++) {
    vi.advanceTimersByTime(20_000);
    turn();
  }
  expect(loops.late()).toEqual([{ name: 'stuck', since: stuckAt }]);
});

test('a loop is late only past the limit, and no longer once it turns again', () => {
  const turn = loops.add('slow');
  vi.advanceTimersByTime(60_000);
  expect(loops.late()).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(loops.late()).toHaveLength(1);
  turn();
  expect(loops.late()).toEqual([]);
});

test('the time in which it cannot turn does not count', () => {
  let redisAnswers = false;
  loops.add('reporting', () => redisAnswers);
  vi.advanceTimersByTime(600_000);
  expect(loops.late()).toEqual([]);
  redisAnswers = true;
  vi.advanceTimersByTime(58_000);
  expect(loops.late()).toEqual([]);
  vi.advanceTimersByTime(4_000);
  expect(loops.late()).toEqual([{ name: 'reporting', since: expect.any(Number) }]);
});

test('a process that was held for long gets the time anew, whoever looks first', () => {
  loops.add('held');
  vi.advanceTimersByTime(4_000);
  const real = performance.now.bind(performance);
  vi.spyOn(performance, 'now').mockImplementation(() => real() + 3_600_000);
  expect(loops.late()).toEqual([]);
  vi.advanceTimersByTime(60_001);
  expect(loops.late()).toHaveLength(1);
});

test('a clock that is set back, or ahead, hides no loop that stands still and makes none late', () => {
  loops.add('stuck');
  vi.advanceTimersByTime(50_000);
  vi.setSystemTime(Date.now() - 7_200_000);
  expect(loops.late()).toEqual([]);
  vi.advanceTimersByTime(10_001);
  expect(loops.late()).toEqual([{ name: 'stuck', since: Date.now() - 60_001 }]);
  vi.setSystemTime(Date.now() + 7_200_000);
  expect(loops.late()).toHaveLength(1);
});
