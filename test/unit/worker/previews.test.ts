import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createPreviews } from '../../../worker/progress/previews.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const jpeg = (name: number | string) => Buffer.concat([Buffer.from([0xff, 0xd8, 0xff]), Buffer.from(String(name))]);

function start(answer: () => Promise<void> = async () => {}) {
  const published: string[] = [];
  const errors: unknown[] = [];
  let watched = true;
  const previews = createPreviews({
    jobId: 'job',
    publisher: {
      publish(jobId, { contentType, data }) {
        expect([jobId, contentType]).toEqual(['job', 'image/jpeg']);
        published.push(Buffer.from(data, 'base64').subarray(3).toString());
        return answer();
      },
    },
    wanted: () => watched,
    onError: (cause) => errors.push(cause),
    intervalMs: 200,
  });
  function watch(now: boolean) {
    watched = now;
  }
  return { previews, published, errors, watch };
}

test('the first goes at once, then the newest, five a second at most', async () => {
  const { previews, published } = start();
  for (let at = 0; at < 1_000; at += 20) {
    previews.show(jpeg(at));
    await vi.advanceTimersByTimeAsync(20);
  }
  await vi.advanceTimersByTimeAsync(1_000);
  expect(published).toEqual(['0', '180', '380', '580', '780', '980']);
});

test('what nobody watches goes nowhere, and is not kept for later', async () => {
  const { previews, published, watch } = start();
  watch(false);
  previews.show(jpeg('unwatched'));
  watch(true);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(published).toEqual([]);
  previews.show(jpeg(1));
  previews.show(jpeg('waits'));
  watch(false);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(published).toEqual(['1']);
});

test('one at a time: a slow Redis gets fewer, the newest', async () => {
  const answers: (() => void)[] = [];
  const { previews, published } = start(() => new Promise((resolve) => answers.push(resolve)));
  for (const name of [1, 2, 3]) {
    previews.show(jpeg(name));
    await vi.advanceTimersByTimeAsync(500);
  }
  expect(published).toEqual(['1']);
  answers[0]?.();
  await vi.advanceTimersByTimeAsync(0);
  expect(published).toEqual(['1', '3']);
});

test('a failure is told, and the next is tried', async () => {
  let fails = 1;
  const { previews, published, errors } = start(async () => {
    if (fails-- > 0) throw new Error('away');
  });
  previews.show(jpeg(1));
  await vi.advanceTimersByTimeAsync(100);
  previews.show(jpeg(2));
  await vi.advanceTimersByTimeAsync(500);
  expect(published).toEqual(['1', '2']);
  expect(errors).toHaveLength(1);
});

test('what is no picture, or too large for a preview, is not published', async () => {
  const { previews, published } = start();
  previews.show(Buffer.from('text'));
  previews.show(jpeg('x'.repeat(1024 * 1024)));
  await vi.advanceTimersByTimeAsync(500);
  expect(published).toEqual([]);
});

test('nothing is published once it was stopped', async () => {
  const { previews, published } = start();
  previews.show(jpeg(1));
  previews.show(jpeg(2));
  previews.stop();
  await vi.advanceTimersByTimeAsync(500);
  expect(published).toEqual(['1']);
});
