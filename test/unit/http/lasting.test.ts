import { expect, onTestFinished, test, vi } from 'vitest';
import { followLasting } from '../../../src/http/lasting.ts';
import { testCallers, testIdentity } from '../../support/test-callers.ts';

function start() {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const me = testIdentity('me');
  const callers = testCallers({ right: me });
  return { callers, me, sessions: followLasting(callers.sessions, 100) };
}

test('what is over within a moment is never followed, and all that is not is', () => {
  const { callers, me, sessions } = start();
  sessions.follow(me, () => undefined)[Symbol.dispose]();
  const ended = vi.fn();
  const session = sessions.follow(me, () => ended(1));
  expect(callers.followed()).toBe(0);
  vi.advanceTimersByTime(100);
  expect(callers.followed()).toBe(1);
  sessions.follow(me, () => ended(2));
  vi.advanceTimersByTime(100);
  expect(callers.followed()).toBe(2);
  callers.revoke('right');
  expect(ended.mock.calls).toEqual([[1], [2]]);
  session[Symbol.dispose]();
  expect(callers.followed()).toBe(0);
});

test('what was followed is not any more once it is over', () => {
  const { callers, me, sessions } = start();
  const session = sessions.follow(me, () => undefined);
  vi.advanceTimersByTime(100);
  session[Symbol.dispose]();
  expect(callers.followed()).toBe(0);
});

test('what has ended before it was followed ends then', async () => {
  const { callers, me, sessions } = start();
  const ended = vi.fn();
  sessions.follow(me, ended);
  callers.revoke('right');
  await vi.advanceTimersByTimeAsync(100);
  expect(ended).toHaveBeenCalledTimes(1);
});
