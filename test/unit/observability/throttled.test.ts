import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { throttledWarning } from '../../../src/observability/throttled.ts';

beforeEach(() => vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => vi.useRealTimers());

test('writes the first at once, then one line for all of an interval with their count', () => {
  const lines: { error: string; times: number }[] = [];
  const warn = throttledWarning(pino({}, { write: (line) => void lines.push(JSON.parse(line)) }), 'down', 1_000);
  for (let i = 0; i < 5; i++) warn(new Error(`fault ${i}`));
  expect(lines).toMatchObject([{ error: 'fault 0', times: 1, msg: 'down' }]);
  vi.advanceTimersByTime(1_000);
  warn(new Error('fault 5'));
  expect(lines[1]).toMatchObject({ error: 'fault 5', times: 5 });
});

test('at the end it says once how often and for how long, and nothing where nothing was', () => {
  const lines: { level: number; times: number; forMs: number; msg: string }[] = [];
  const warn = throttledWarning(pino({}, { write: (line) => void lines.push(JSON.parse(line)) }), 'down', 10_000);
  warn.over();
  expect(lines).toEqual([]);
  warn(new Error('away'), { part: 'expire' });
  vi.advanceTimersByTime(4_000);
  for (let i = 0; i < 2; i++) warn(new Error('away'), { part: 'expire' });
  vi.advanceTimersByTime(10_000);
  warn.over();
  warn.over();
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatchObject({ part: 'expire', times: 1 });
  expect(lines[1]).toMatchObject({ level: 30, times: 3, forMs: 4_000, msg: 'over: down' });
  warn(new Error('again'));
  expect(lines[2]).toMatchObject({ error: 'again', times: 1, msg: 'down' });
});

test('what fails now and then, with successes between, is no more lines than what fails always', () => {
  const lines: { times: number; msg: string }[] = [];
  const warn = throttledWarning(pino({}, { write: (line) => void lines.push(JSON.parse(line)) }), 'down', 10_000);
  for (let second = 0; second < 30; second++) {
    warn(new Error('away'));
    warn.over();
    vi.advanceTimersByTime(1_000);
  }
  expect(lines).toMatchObject([
    { times: 1, msg: 'down' },
    { times: 10, msg: 'down' },
    { times: 10, msg: 'down' },
  ]);
  vi.advanceTimersByTime(9_000);
  warn.over();
  expect(lines[3]).toMatchObject({ times: 30, msg: 'over: down' });
});
