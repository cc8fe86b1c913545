import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { notFound } from '../../../src/core/errors.ts';
import { createJobFeed, type JobFeed } from '../../../src/progress/job-feed.ts';
import { startQueueMoves } from '../../../src/progress/queue-moves.ts';
import { createWatcher } from '../../../src/progress/watcher.ts';
import { testJob } from '../../support/graph-services.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function watched(): JobFeed {
  const feed = createJobFeed(Date.now, () => notFound('job'));
  const watcher = createWatcher(() => {});
  feed.add(watcher);
  watcher.start([], 1);
  feed.start(testJob({ status: 'QUEUED' }));
  feed.addMover(watcher, null);
  return feed;
}

function start(count: number, positions: (jobIds: string[]) => Promise<(number | null)[]>) {
  const feeds = new Map(Array.from({ length: count }, (_, i) => [String(i), watched()]));
  const onError = vi.fn();
  const moves = startQueueMoves({ feeds: () => feeds, positions, onError, intervalMs: 1_000 });
  return { moves, onError };
}

test('where very many jobs are watched, a thousand are looked at in a second, in turn', async () => {
  const asked: string[][] = [];
  start(2_500, async (jobIds) => {
    asked.push(jobIds);
    return jobIds.map(Number);
  });
  await vi.advanceTimersByTimeAsync(4_000);
  expect(asked.map(({ length }) => length)).toEqual([1_000, 1_000, 500, 1_000]);
  expect(new Set(asked.slice(0, 3).flat()).size).toBe(2_500);
  expect(asked[3]).toEqual(asked[0]);
});

test('the next look comes a second behind the answer, or its failure, and none behind the end', async () => {
  let answer = Promise.withResolvers<number[]>();
  const positions = vi.fn(() => answer.promise);
  const { moves, onError } = start(1, positions);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(positions).toHaveBeenCalledTimes(1);
  answer.reject(new Error('away'));
  answer = Promise.withResolvers();
  await vi.advanceTimersByTimeAsync(999);
  expect(positions).toHaveBeenCalledTimes(1);
  expect(onError).toHaveBeenCalledOnce();
  await vi.advanceTimersByTimeAsync(1);
  expect(positions).toHaveBeenCalledTimes(2);
  moves.close();
  answer.resolve([3]);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(positions).toHaveBeenCalledTimes(2);
});
