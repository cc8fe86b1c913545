import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { hedge } from '../../../src/async/hedge.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Each call is answered by hand. */
function questions() {
  const asked: { signal: AbortSignal; answer: PromiseWithResolvers<string> }[] = [];
  const ask = (signal: AbortSignal) => {
    const answer = Promise.withResolvers<string>();
    asked.push({ signal, answer });
    return answer.promise;
  };
  return { asked, ask };
}

it('asks once where the answer comes in time', async () => {
  const { asked, ask } = questions();
  const answer = hedge(ask, 1_000, new AbortController().signal);
  asked[0]?.answer.resolve('first');
  expect(await answer).toBe('first');
  await vi.advanceTimersByTimeAsync(5_000);
  expect(asked).toHaveLength(1);
});

it('takes the answer to what was asked later, and gives up what is still out', async () => {
  const { asked, ask } = questions();
  const answer = hedge(ask, 1_000, new AbortController().signal);
  await vi.advanceTimersByTimeAsync(2_500);
  expect(asked).toHaveLength(3);
  asked[1]?.answer.resolve('second');
  expect(await answer).toBe('second');
  expect(asked.map(({ signal }) => signal.aborted)).toEqual([true, true, true]);
  asked[0]?.answer.reject(new Error('given up'));
  await vi.advanceTimersByTimeAsync(5_000);
  expect(asked).toHaveLength(3);
});

it('fails as the first that fails, and when it is told to stop', async () => {
  const { asked, ask } = questions();
  const failing = hedge(ask, 1_000, new AbortController().signal);
  asked[0]?.answer.reject(new Error('no'));
  await expect(failing).rejects.toThrow('no');

  const stopping = new AbortController();
  const stopped = hedge(
    (signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    1_000,
    stopping.signal,
  );
  stopping.abort(new Error('stop'));
  await expect(stopped).rejects.toThrow('stop');
});
