/** More wait already than may. */
export class TooManyWaitingError extends Error {
  override readonly name = 'TooManyWaitingError';
}

/** Work that goes on a few at a time, in the order in which it came. */
export interface Semaphore {
  /** What `work` gives, once it is its turn. Throws TooManyWaitingError, or the signal's reason while it waits. */
  run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T>;
}

export function createSemaphore({ atOnce, waiting: mostWaiting }: { atOnce: number; waiting: number }): Semaphore {
  const waiting = new Set<() => void>();
  let running = 0;

  async function acquire(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (running < atOnce) {
      running++;
      return;
    }
    if (waiting.size >= mostWaiting) throw new TooManyWaitingError('too many wait already');
    await new Promise<void>((resolve, reject) => {
      const begin = () => {
        signal.removeEventListener('abort', giveUp);
        resolve();
      };
      const giveUp = () => {
        waiting.delete(begin);
        reject(signal.reason);
      };
      waiting.add(begin);
      signal.addEventListener('abort', giveUp, { once: true });
    });
  }

  /** Hands the permit on to whoever has waited longest, so that nobody comes in between. */
  function release(): void {
    const [next] = waiting;
    if (next === undefined) {
      running--;
      return;
    }
    waiting.delete(next);
    next();
  }

  return {
    async run(work, signal) {
      await acquire(signal);
      try {
        return await work();
      } finally {
        release();
      }
    },
  };
}
