/** More wait already than may. */
export class TooManyWaitingError extends Error {
  override readonly name = 'TooManyWaitingError';
}

/** Work that goes on a few at a time, in the order in which it came. */
export interface Semaphore {
  /** What `work` gives, once it is its turn. Throws TooManyWaitingError, or the signal's reason while it waits. */
  run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T>;
  /**
   * Undefined: its turn has come already; else resolves when it comes. Throws as `run` does. To be followed by one
   * `release` when the work is over.
   */
  acquire(signal: AbortSignal): Promise<void> | undefined;
  release(): void;
}

export function createSemaphore({ atOnce, waiting }: { atOnce: number; waiting: number }): Semaphore {
  return new Permits(atOnce, waiting);
}

/** A class, since each of many thousand sockets has two: methods that are closures would take six times as much. */
class Permits implements Semaphore {
  readonly #atOnce: number;
  readonly #mostWaiting: number;
  /** Null until somebody has to wait. */
  #waiting: Set<() => void> | null = null;
  #running = 0;

  constructor(atOnce: number, mostWaiting: number) {
    this.#atOnce = atOnce;
    this.#mostWaiting = mostWaiting;
  }

  acquire(signal: AbortSignal): Promise<void> | undefined {
    signal.throwIfAborted();
    if (this.#running < this.#atOnce) {
      this.#running++;
      return undefined;
    }
    this.#waiting ??= new Set();
    const waiting = this.#waiting;
    if (waiting.size >= this.#mostWaiting) throw new TooManyWaitingError('too many wait already');
    return new Promise<void>((resolve, reject) => {
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
  release(): void {
    const [next] = this.#waiting ?? [];
    if (next === undefined) {
      this.#running--;
      return;
    }
    this.#waiting?.delete(next);
    next();
  }

  async run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.acquire(signal);
    try {
      return await work();
    } finally {
      this.release();
    }
  }
}
