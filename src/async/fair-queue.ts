import { TooManyWaitingError } from './semaphore.ts';
import type { BoundUse } from './shares.ts';

/**
 * Work that goes on a few at a time, for a group one at a time. Groups have their turns one after the other, so that
 * many of one hold up the next of another by none.
 */
export interface FairQueue {
  /** What `work` gives, once it is its turn. Throws TooManyWaitingError, or the signal's reason while it waits. */
  run<T>(group: string, work: () => Promise<T>, signal: AbortSignal): Promise<T>;
  /** What is worked on or waits, and how much had to leave. */
  use(): BoundUse;
}

interface Waiter {
  begin(): void;
  leave(reason: unknown): void;
}

/** Where more than `waiting` would wait in all, the last of the longest line has to leave. */
export function createFairQueue({ atOnce, waiting: mostWaiting }: { atOnce: number; waiting: number }): FairQueue {
  /** Who waits, by group: the group whose turn is next comes first. */
  const lines = new Map<string, Set<Waiter>>();
  const busy = new Set<string>();
  let waiting = 0;
  let refusals = 0;

  function take(group: string, waiter: Waiter): void {
    const line = lines.get(group);
    if (!line?.delete(waiter)) return;
    waiting--;
    if (line.size === 0) lines.delete(group);
  }

  function beginNext(): void {
    for (const [group, line] of lines) {
      if (busy.size >= atOnce) return;
      const [next] = line;
      if (next === undefined || busy.has(group)) continue;
      take(group, next);
      busy.add(group);
      next.begin();
    }
  }

  /** Puts a group that has had its turn behind all others. */
  function end(group: string): void {
    busy.delete(group);
    const line = lines.get(group);
    if (line && lines.delete(group)) lines.set(group, line);
    beginNext();
  }

  /** Of two lines that are as long, the one of whoever has just come. */
  function makeRoom(group: string): void {
    let longest = group;
    for (const [each, { size }] of lines) {
      if (size > (lines.get(longest)?.size ?? 0)) longest = each;
    }
    const last = [...(lines.get(longest) ?? [])].at(-1);
    if (last === undefined) return;
    take(longest, last);
    refusals++;
    last.leave(new TooManyWaitingError('too many wait already'));
  }

  async function turn(group: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter: Waiter = { begin: resolve, leave: reject };
    lines.set(group, (lines.get(group) ?? new Set()).add(waiter));
    waiting++;
    beginNext();
    if (waiting > mostWaiting) makeRoom(group);
    const giveUp = () => {
      take(group, waiter);
      reject(signal.reason);
    };
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      await promise;
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }

  return {
    async run(group, work, signal) {
      await turn(group, signal);
      try {
        return await work();
      } finally {
        end(group);
      }
    },
    use: () => ({ taken: busy.size + waiting, most: atOnce + mostWaiting, refusals }),
  };
}
