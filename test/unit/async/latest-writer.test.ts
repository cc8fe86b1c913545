import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createLatestWriter } from '../../../src/async/latest-writer.ts';
import { noProgress, type Progress } from '../../../src/core/job.ts';

const at = (fraction: number): Progress => ({ ...noProgress, fraction });

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function start(answer: (progress: Progress) => Promise<boolean> = async () => true) {
  const written: number[] = [];
  const errors: unknown[] = [];
  const writer = createLatestWriter({
    initial: noProgress,
    intervalMs: 100,
    write(progress) {
      written.push(progress.fraction);
      return answer(progress);
    },
    onError: (cause) => errors.push(cause),
  });
  return { writer, written, errors };
}

test('the first news is written at once, then the latest every 100 ms, the last one too', async () => {
  const { writer, written } = start();
  for (let i = 1; i <= 25; i++) {
    writer.set(at(i / 100));
    await vi.advanceTimersByTimeAsync(10);
  }
  await vi.advanceTimersByTimeAsync(1_000);
  expect(written).toEqual([0.01, 0.1, 0.2, 0.25].map((each) => expect.closeTo(each, 1)));
  expect(written.at(-1)).toBe(0.25);
});

test('what says nothing new is not written', async () => {
  const { writer, written } = start();
  writer.set(at(0));
  await vi.advanceTimersByTimeAsync(200);
  writer.set(at(0.5));
  await vi.advanceTimersByTimeAsync(200);
  writer.set(at(0.5));
  await vi.advanceTimersByTimeAsync(200);
  expect(written).toEqual([0.5]);
});

test('one write at a time, and the next has the latest', async () => {
  const answers: ((more: boolean) => void)[] = [];
  const { writer, written } = start(() => new Promise((resolve) => answers.push(resolve)));
  for (const fraction of [0.1, 0.2, 0.3]) {
    writer.set(at(fraction));
    await vi.advanceTimersByTimeAsync(500);
  }
  expect(written).toEqual([0.1]);
  answers[0]?.(true);
  await vi.advanceTimersByTimeAsync(0);
  expect(written).toEqual([0.1, 0.3]);
});

test('a write that failed is tried again', async () => {
  let fails = 1;
  const { writer, written, errors } = start(async () => {
    if (fails-- > 0) throw new Error('away');
    return true;
  });
  writer.set(at(0.5));
  await vi.advanceTimersByTimeAsync(150);
  expect(written).toEqual([0.5, 0.5]);
  expect(errors).toHaveLength(1);
});

test('nothing is written after the lease was lost, or after it was stopped', async () => {
  const lost = start(async () => false);
  lost.writer.set(at(0.1));
  await vi.advanceTimersByTimeAsync(200);
  lost.writer.set(at(0.2));
  await vi.advanceTimersByTimeAsync(200);
  expect(lost.written).toEqual([0.1]);

  const stopped = start();
  stopped.writer.set(at(0.1));
  stopped.writer.set(at(0.2));
  stopped.writer.stop();
  await vi.advanceTimersByTimeAsync(200);
  expect(stopped.written).toEqual([0.1]);
});

test('news that is gathered waits for more, longer where it is longer, and is dropped by a stop', async () => {
  const written: number[][] = [];
  const writer = createLatestWriter<number[]>({
    initial: [],
    intervalMs: 0,
    gatherMs: ({ length }) => length * 100,
    async write(value) {
      written.push(value);
      return true;
    },
    onError: () => undefined,
  });
  writer.set([1]);
  await vi.advanceTimersByTimeAsync(50);
  writer.set([1, 2]);
  await vi.advanceTimersByTimeAsync(50);
  expect(written).toEqual([[1, 2]]);
  writer.set([1, 2, 3]);
  await vi.advanceTimersByTimeAsync(250);
  expect(written).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(50);
  expect(written).toHaveLength(2);
  writer.set([1, 2, 3, 4]);
  writer.stop();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(written).toHaveLength(2);
});
