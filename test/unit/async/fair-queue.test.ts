import { describe, expect, it } from 'vitest';
import { createFairQueue } from '../../../src/async/fair-queue.ts';

const never = new AbortController().signal;

/** A queue whose work ends when the test says so, and the order in which work began. */
function openQueue(bounds: { atOnce: number; waiting: number }) {
  const queue = createFairQueue(bounds);
  const began: string[] = [];
  const ends = new Map<string, () => void>();
  return {
    began,
    use: queue.use,
    add(name: string, signal = never) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const work = async () => {
        began.push(name);
        ends.set(name, resolve);
        await promise;
        return name;
      };
      const done = queue.run(name.slice(0, 1), work, signal);
      done.catch(() => undefined);
      return done;
    },
    /** Ends a work, and lets the next one begin. */
    async end(name: string) {
      ends.get(name)?.();
      await new Promise(setImmediate);
    },
  };
}

describe('a fair queue', () => {
  it('B05 gives each group its turn, one thing at a time, however many another has', async () => {
    const { add, end, began } = openQueue({ atOnce: 2, waiting: 100 });
    for (let i = 0; i < 40; i++) add(`a${i}`);
    add('b0');
    add('b1');
    add('c0');
    await end('');
    expect(began).toEqual(['a0', 'b0']);
    await end('b0');
    expect(began).toEqual(['a0', 'b0', 'c0']);
    await end('a0');
    expect(began).toEqual(['a0', 'b0', 'c0', 'b1']);
    await end('c0');
    expect(began).toEqual(['a0', 'b0', 'c0', 'b1', 'a1']);
    await end('a1');
    // Nobody else waits, and still a group has one thing done at a time.
    expect(began.slice(5)).toEqual(['a2']);
    await end('b1');
    expect(began).toHaveLength(6);
  });

  it('B05 when it is full, the last of the longest line leaves, and not whoever has just come', async () => {
    const { add, end, began, use } = openQueue({ atOnce: 1, waiting: 3 });
    add('a0');
    add('a1');
    const second = add('a2');
    const last = add('a3');
    expect(use()).toEqual({ taken: 4, most: 4, refusals: 0 });
    await expect(add('a4')).rejects.toMatchObject({ name: 'TooManyWaitingError' });
    add('b0');
    await expect(last).rejects.toMatchObject({ name: 'TooManyWaitingError' });
    add('c0');
    await expect(second).rejects.toMatchObject({ name: 'TooManyWaitingError' });
    // All lines are as long: no one of them has to make room.
    await expect(add('d0')).rejects.toMatchObject({ name: 'TooManyWaitingError' });
    expect(use()).toEqual({ taken: 4, most: 4, refusals: 4 });
    for (const name of ['a0', 'b0', 'c0', 'a1']) await end(name);
    expect(began.toSorted()).toEqual(['a0', 'a1', 'b0', 'c0']);
    expect(use()).toMatchObject({ taken: 0 });
  });

  it('lets go of whoever gives up, and goes on after work that failed', async () => {
    const { add, end, began } = openQueue({ atOnce: 1, waiting: 1 });
    const first = add('a0');
    const control = new AbortController();
    const reason = new Error('left');
    const waiting = add('b0', control.signal);
    control.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    const third = add('c0');
    await end('a0');
    expect(await first).toBe('a0');
    await end('c0');
    expect(await third).toBe('c0');
    expect(began).toEqual(['a0', 'c0']);
    await expect(add('d0', AbortSignal.abort(reason))).rejects.toBe(reason);

    const queue = createFairQueue({ atOnce: 1, waiting: 1 });
    await expect(queue.run('a', () => Promise.reject(reason), never)).rejects.toBe(reason);
    expect(await queue.run('a', async () => 1, never)).toBe(1);
  });
});
