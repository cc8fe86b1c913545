import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { anonymous, type Identity } from '../../../src/callers/identity.ts';
import type { KnownKey } from '../../../src/callers/key-directory.ts';
import { createSessions } from '../../../src/callers/sessions.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Sessions over a directory that holds these keys, which a test changes. */
function setup(keys: Record<string, Partial<KnownKey>> = {}) {
  let looked = (_changed: readonly string[] | null) => {};
  const state = { away: false, remembered: true, reads: 0 };
  const find = (id: string) => (keys[id] ? ({ endsAt: Number.POSITIVE_INFINITY, ...keys[id] } as KnownKey) : null);
  const onFault = vi.fn();
  const sessions = createSessions({
    directory: {
      peek: (id) => (state.remembered ? find(id) : undefined),
      refresh: async (ids) => {
        state.reads++;
        if (state.away) throw new Error('away');
        return new Map(ids.map((id) => [id, find(id)]));
      },
      onLook: (listener) => {
        looked = listener;
      },
    },
    now: Date.now,
    onFault,
  });
  const look = async (changed: readonly string[] | null) => {
    looked(changed);
    await vi.advanceTimersByTimeAsync(0);
  };
  return { sessions, keys, state, look, onFault };
}

const of = (keyId: string | null, expiresAt: number | null = null): Identity => ({ ...anonymous, keyId, expiresAt });

it('ends what a token opened when the token ends, once, and not before', async () => {
  const { sessions } = setup();
  const end = vi.fn();
  sessions.follow(of(null, Date.now() + 3_600_000), end);
  await vi.advanceTimersByTimeAsync(3_599_999);
  expect(end).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(end).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect(end).toHaveBeenCalledTimes(1);
});

it('ends all that a key opened when it is revoked, and nothing of another', async () => {
  const { sessions, keys, look } = setup({ a: {}, b: {} });
  const [first, second, other] = [vi.fn(), vi.fn(), vi.fn()];
  sessions.follow(of('a'), first);
  sessions.follow(of('a'), second);
  sessions.follow(of('b'), other);
  await look([]);
  expect([first, second, other].map((end) => end.mock.calls.length)).toEqual([0, 0, 0]);
  delete keys.a;
  await look(['a', 'unheard-of']);
  await look(null);
  expect([first, second, other].map((end) => end.mock.calls.length)).toEqual([1, 1, 0]);
});

it('ends at the end of the overlap where the key is rotated meanwhile', async () => {
  const { sessions, keys, look } = setup({ a: {} });
  const end = vi.fn();
  sessions.follow(of('a'), end);
  keys.a = { endsAt: Date.now() + 86_400_000 };
  await look(['a']);
  await vi.advanceTimersByTimeAsync(86_399_999);
  expect(end).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(end).toHaveBeenCalledTimes(1);
});

it('a watch token ends with the key that made it, or by itself', async () => {
  const { sessions, keys, look } = setup({ a: {} });
  const [soon, late] = [vi.fn(), vi.fn()];
  sessions.follow(of('a', Date.now() + 1_000), soon);
  sessions.follow(of('a', Date.now() + 90_000), late);
  await vi.advanceTimersByTimeAsync(1_000);
  expect([soon, late].map((end) => end.mock.calls.length)).toEqual([1, 0]);
  keys.a = { endsAt: Date.now() };
  await look(['a']);
  expect(late).toHaveBeenCalledTimes(1);
});

it('ends what was opened with a key that was revoked just before', async () => {
  const { sessions, state, keys } = setup({ a: {} });
  state.remembered = false;
  delete keys.a;
  const end = vi.fn();
  sessions.follow(of('a'), end);
  expect(end).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(0);
  expect(end).toHaveBeenCalledTimes(1);
});

it('reads a key again at the next look where Redis did not answer', async () => {
  const { sessions, state, keys, look, onFault } = setup({ a: {} });
  const end = vi.fn();
  sessions.follow(of('a'), end);
  delete keys.a;
  state.away = true;
  await look(['a']);
  expect(end).not.toHaveBeenCalled();
  expect(onFault).toHaveBeenCalledTimes(1);
  state.away = false;
  await look([]);
  expect(end).toHaveBeenCalledTimes(1);
});

it('forgets what is disposed', async () => {
  const { sessions, state, keys, look } = setup({ a: {} });
  const end = vi.fn();
  sessions.follow(of('a', Date.now() + 1_000), end)[Symbol.dispose]();
  delete keys.a;
  await look(null);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(end).not.toHaveBeenCalled();
  expect(state.reads).toBe(0);
  expect(vi.getTimerCount()).toBe(0);
});
