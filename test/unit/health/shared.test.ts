import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { shared } from '../../../src/health/checks.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

test('a report serves for a second, whatever becomes of the clock', async () => {
  let made = 0;
  const report = shared(async () => ++made);
  expect(await report()).toBe(1);
  vi.advanceTimersByTime(1_000);
  expect(await report()).toBe(1);
  vi.setSystemTime(Date.now() - 3_600_000);
  vi.advanceTimersByTime(1);
  expect(await report()).toBe(2);
});
