import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { throttledWarning } from '../../src/observability/throttled.ts';

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
