import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { isTerminalEvent, type JobEvent, type JobEventType } from '../../../src/core/events.ts';
import { createWatcher } from '../../../src/progress/watcher.ts';
import { testEvent } from '../../support/graph-services.ts';

const event = (type: JobEventType, seq: number): JobEvent => testEvent(seq, { type });
const preview = (seq: number, data = ''): JobEvent =>
  testEvent(seq, { type: 'PREVIEW', preview: { contentType: 'image/png', data } });
const shown = ({ type, seq, preview: picture }: JobEvent) => `${type} ${seq}${picture?.data ?? ''}`;

function start() {
  const watcher = createWatcher(() => {});
  watcher.start([event('SNAPSHOT', 5)], 5);
  return watcher;
}

/** What a reader gets who comes only now. */
async function drain(iterator: AsyncIterableIterator<JobEvent>, count: number): Promise<string[]> {
  const events: string[] = [];
  while (events.length < count) {
    const { done, value } = await iterator.next();
    if (done) break;
    events.push(shown(value));
  }
  return events;
}

test('each event that a newer one replaces is told of', async () => {
  let replaced = 0;
  const watcher = createWatcher(
    () => {},
    () => replaced++,
  );
  watcher.start([event('SNAPSHOT', 5)], 5);
  for (const seq of [6, 7, 8]) watcher.push(event('PROGRESS', seq));
  for (const name of 'ab') watcher.push(preview(8, name));
  watcher.push(event('RETRYING', 9));
  watcher.push(event('PROGRESS', 10));
  expect(replaced).toBe(3);
  expect(await drain(watcher.iterator, 5)).toHaveLength(5);
  expect(replaced).toBe(3);
});

describe('for a reader that is slow', () => {
  test('the newest PREVIEW replaces the one that waits', async () => {
    const watcher = start();
    for (const name of 'abc') watcher.push(preview(5, name));
    expect(await drain(watcher.iterator, 2)).toEqual(['SNAPSHOT 5', 'PREVIEW 5c']);
  });

  test('the newest MOVED replaces the one that waits, and no PREVIEW', async () => {
    const watcher = start();
    watcher.push(preview(5, 'a'));
    for (const place of [3, 2]) watcher.push(testEvent(5, { type: 'MOVED', queuePosition: place }));
    watcher.push(event('STARTED', 6));
    const [first, ...rest] = [
      await watcher.iterator.next(),
      await watcher.iterator.next(),
      await watcher.iterator.next(),
      await watcher.iterator.next(),
    ].map(({ value }) => value);
    expect(first.type).toBe('SNAPSHOT');
    expect(rest.map(({ type, seq, queuePosition }) => [type, seq, queuePosition])).toEqual([
      ['PREVIEW', 5, undefined],
      ['MOVED', 5, 2],
      ['STARTED', 6, undefined],
    ]);
  });

  test('a MOVED that is older than what has been told is dropped', async () => {
    const watcher = start();
    watcher.push(event('STARTED', 6));
    watcher.push(testEvent(5, { type: 'MOVED', queuePosition: 1 }));
    watcher.push(event('SUCCEEDED', 7));
    expect(await drain(watcher.iterator, 4)).toEqual(['SNAPSHOT 5', 'STARTED 6', 'SUCCEEDED 7']);
  });

  test('ten thousand events wait at most: then it is told to watch again, and nothing is kept for it', async () => {
    const onClose = vi.fn();
    const watcher = createWatcher(onClose);
    watcher.start([event('SNAPSHOT', 1)], 1);
    for (let seq = 2; seq <= 10_000; seq++) watcher.push(event('RETRYING', seq));
    expect(onClose).not.toHaveBeenCalled();
    watcher.push(event('RETRYING', 10_001));
    expect(onClose).toHaveBeenCalledOnce();
    await expect(watcher.iterator.next()).rejects.toMatchObject({ details: { code: 'UNAVAILABLE' } });
    expect(await watcher.iterator.next()).toEqual({ done: true, value: undefined });
  });

  test('a PREVIEW keeps its place among what happened', async () => {
    const watcher = start();
    watcher.push(preview(5, 'a'));
    watcher.push(event('PROGRESS', 6));
    watcher.push(event('PROGRESS', 7));
    expect(await drain(watcher.iterator, 3)).toEqual(['SNAPSHOT 5', 'PREVIEW 5a', 'PROGRESS 7']);
    watcher.push(event('CANCEL_REQUESTED', 8));
    watcher.push(preview(8, 'b'));
    expect(await drain(watcher.iterator, 2)).toEqual(['CANCEL_REQUESTED 8', 'PREVIEW 8b']);
  });

  test('a PREVIEW that waits is dropped when the job has ended', async () => {
    const watcher = start();
    watcher.push(preview(5));
    watcher.push(event('SUCCEEDED', 6));
    watcher.push(preview(6));
    expect(await drain(watcher.iterator, 9)).toEqual(['SNAPSHOT 5', 'SUCCEEDED 6']);
  });

  test('a PREVIEW of before is dropped where Redis has lost writes', async () => {
    const watcher = start();
    watcher.push(preview(5));
    watcher.push(event('SNAPSHOT', 3));
    expect(await drain(watcher.iterator, 2)).toEqual(['SNAPSHOT 5', 'SNAPSHOT 3']);
  });
});

test('what a watcher has missed is given whole, whatever came meanwhile', async () => {
  const watcher = createWatcher(() => {});
  watcher.push(event('PROGRESS', 8));
  watcher.push(event('PROGRESS', 9));
  watcher.start([event('PROGRESS', 6), event('PROGRESS', 7), event('PROGRESS', 8)], 8);
  watcher.push(event('RETRYING', 10));
  expect(await drain(watcher.iterator, 4)).toEqual(['PROGRESS 6', 'PROGRESS 7', 'PROGRESS 9', 'RETRYING 10']);
});

test('a PREVIEW is given at once to a reader that waits, and none before the first events', async () => {
  const watcher = createWatcher(() => {});
  watcher.push(preview(5, 'early'));
  watcher.start([event('SNAPSHOT', 5)], 5);
  expect(await drain(watcher.iterator, 1)).toEqual(['SNAPSHOT 5']);
  const next = watcher.iterator.next();
  watcher.push(preview(5, 'a'));
  expect((await next).value).toMatchObject({ preview: { data: 'a' } });
});

test('however it is read: numbers grow, only PROGRESS and PREVIEW are dropped, the end comes last', async () => {
  const step = fc.constantFrom('PREVIEW', 'PROGRESS', 'CANCEL_REQUESTED', 'read', 'read');
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const watcher = start();
      const read: JobEvent[] = [];
      const next = async () => {
        const { done, value } = await watcher.iterator.next();
        if (!done) read.push(value);
      };
      let seq = 5;
      let pushed = 0;
      let waiting = 0;
      const reads: Promise<void>[] = [];
      for (const each of steps) {
        // One at a time, as whoever reads does.
        if (each === 'read' && waiting === 0) {
          waiting++;
          reads.push(next().finally(() => void waiting--));
        } else if (each === 'PREVIEW') watcher.push(preview(seq));
        else if (each !== 'read') {
          watcher.push(event(each, ++seq));
          if (each === 'CANCEL_REQUESTED') pushed++;
        }
        await Promise.resolve();
      }
      watcher.push(event('SUCCEEDED', ++seq));
      await Promise.all(reads);
      for await (const rest of watcher.iterator) read.push(rest);
      const numbers = read.map((one) => one.seq);
      expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
      expect(read.filter(({ type }) => type === 'CANCEL_REQUESTED')).toHaveLength(pushed);
      expect(read.findIndex(({ type }) => isTerminalEvent(type))).toBe(read.length - 1);
    }),
  );
});
