import { expect, test, vi } from 'vitest';
import { createSemaphore, TooManyWaitingError } from '../../../src/async/semaphore.ts';

const never = new AbortController().signal;

/** Work that goes on until it is told to end. */
function held(started: number[], id: number) {
  const { promise, resolve } = Promise.withResolvers<number>();
  const work = () => {
    started.push(id);
    return promise;
  };
  return { work, end: () => resolve(id) };
}

test('a few go on at once, the others in their order, and too many are turned away', async () => {
  const semaphore = createSemaphore({ atOnce: 2, waiting: 2 });
  const started: number[] = [];
  const works = [0, 1, 2, 3].map((id) => held(started, id));
  const results = works.map(({ work }) => semaphore.run(work, never));
  await expect(semaphore.run(async () => 0, never)).rejects.toBeInstanceOf(TooManyWaitingError);
  expect(started).toEqual([0, 1]);
  works[1]?.end();
  expect(await results[1]).toBe(1);
  await vi.waitFor(() => expect(started).toEqual([0, 1, 2]));
  for (const { end } of works) end();
  expect(await Promise.all(results)).toEqual([0, 1, 2, 3]);
  expect(await semaphore.run(async () => 'free again', never)).toBe('free again');
});

test('who gives up waiting leaves the line, and a failure frees its place', async () => {
  const semaphore = createSemaphore({ atOnce: 1, waiting: 1 });
  const started: number[] = [];
  const first = held(started, 0);
  const running = semaphore.run(first.work, never);
  const impatient = new AbortController();
  const waiting = semaphore.run(async () => 1, impatient.signal);
  impatient.abort(new Error('gone'));
  await expect(waiting).rejects.toThrow('gone');
  const failing = semaphore.run(() => Promise.reject(new Error('broken')), never);
  first.end();
  await expect(failing).rejects.toThrow('broken');
  await running;
  expect(await semaphore.run(async () => 2, never)).toBe(2);
  await expect(semaphore.run(async () => 3, AbortSignal.abort(new Error('too late')))).rejects.toThrow('too late');
});
