import { expect, test, vi } from 'vitest';
import { createAsyncQueue } from '../../../src/async/async-queue.ts';

interface Item {
  name: string;
}

const item = (name: string): Item => ({ name });

async function namesOf(iterator: AsyncIterableIterator<Item>): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of iterator) names.push(name);
  return names;
}

test('what waits is given in order, and the end comes behind it', async () => {
  const onClose = vi.fn();
  const queue = createAsyncQueue<Item>({ max: 9, onClose });
  for (const name of 'abc') expect(queue.push(item(name))).toBe(true);
  queue.end();
  queue.push(item('behind the end'));
  expect(onClose).not.toHaveBeenCalled();
  expect(await namesOf(queue.iterator)).toEqual(['a', 'b', 'c']);
  expect(onClose).toHaveBeenCalledOnce();
});

test('an error comes behind what waits, once', async () => {
  const queue = createAsyncQueue<Item>({ max: 9, onClose: () => undefined });
  queue.push(item('a'));
  queue.end(new Error('broken'));
  queue.abort(new Error('later'));
  expect(await queue.iterator.next()).toEqual({ done: false, value: item('a') });
  await expect(queue.iterator.next()).rejects.toThrow('broken');
  expect(await queue.iterator.next()).toEqual({ done: true, value: undefined });
});

test('an abort drops what waits and frees all at once, and the reader learns why when it asks', async () => {
  const onClose = vi.fn();
  const queue = createAsyncQueue<Item>({ max: 9, onClose });
  queue.push(item('a'));
  queue.abort(new Error('broken'));
  expect(onClose).toHaveBeenCalledOnce();
  await expect(queue.iterator.next()).rejects.toThrow('broken');
  expect(await queue.iterator.next()).toEqual({ done: true, value: undefined });
  expect(onClose).toHaveBeenCalledOnce();
});

test('an item beyond the bound is not taken, until one has been read', async () => {
  const queue = createAsyncQueue<Item>({ max: 2, onClose: () => undefined });
  expect(['a', 'b', 'c'].map((name) => queue.push(item(name)))).toEqual([true, true, false]);
  await queue.iterator.next();
  expect(queue.push(item('d'))).toBe(true);
  queue.end();
  expect(await namesOf(queue.iterator)).toEqual(['b', 'd']);
});

test('items beyond the bound of sizes are not taken, until there is room for them', async () => {
  const queue = createAsyncQueue<Item>({
    max: 99,
    size: { of: ({ name }) => name.length, max: 10 },
    superseded: (waiting, { name }) => waiting.find((each) => each.name[0] === name[0]),
    onClose: () => undefined,
  });
  const pushed = (name: string) => queue.push(item(name));
  expect(['a'.repeat(20), 'b'].map(pushed)).toEqual([true, false]);
  await queue.iterator.next();
  expect(['bbbb', 'cccc', 'ddd'].map(pushed)).toEqual([true, true, false]);
  // In the place of four there is one.
  expect(['b', 'ddddd', 'e'].map(pushed)).toEqual([true, true, false]);
  await queue.iterator.next();
  await queue.iterator.next();
  expect(['ffff', 'gg'].map(pushed)).toEqual([true, false]);
  await queue.iterator.next();
  await queue.iterator.next();
  expect(['hhhhhhhhhh', 'i'].map(pushed)).toEqual([true, false]);
});

test('an item takes the place of one that it supersedes, also where the queue is full', async () => {
  const queue = createAsyncQueue<Item>({
    max: 2,
    superseded: (waiting, { name }) => waiting.find((each) => each.name[0] === name[0]),
    onClose: () => undefined,
  });
  expect(['a1', 'b1', 'a2', 'c1'].map((name) => queue.push(item(name)))).toEqual([true, true, true, false]);
  queue.end();
  expect(await namesOf(queue.iterator)).toEqual(['b1', 'a2']);
});

test('a reader that leaves while it waits is let go at once', async () => {
  const onClose = vi.fn();
  const queue = createAsyncQueue<Item>({ max: 9, onClose });
  const waits = queue.iterator.next();
  await queue.iterator.return?.();
  expect(await waits).toEqual({ done: true, value: undefined });
  expect(onClose).toHaveBeenCalledOnce();
  expect(queue.push(item('a'))).toBe(true);
  expect(await queue.iterator.next()).toEqual({ done: true, value: undefined });
});
