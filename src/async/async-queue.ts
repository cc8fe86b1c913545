export interface AsyncQueueOptions<Item> {
  /** How many items may wait for the reader. */
  max: number;
  /** How much each item takes, and how much may wait. Default: only their number is bounded. */
  size?: { of: (item: Item) => number; max: number };
  /**
   * Given what waits (oldest first) and a new item, returns the waiting item to drop. The new one is appended. Default:
   * nothing is dropped.
   */
  superseded?: (waiting: readonly Item[], item: Item) => Item | undefined;
  /** Runs once, as soon as the queue has ended and nothing waits in it any more. */
  onClose: () => void;
}

/** Items on their way from one who pushes them to one who reads them at a speed of their own. */
export interface AsyncQueue<Item> {
  /** False: it is full and the item was not taken. What comes behind the end is dropped. */
  push(item: Item): boolean;
  /** Ends the iterator behind what still waits; with an error, where one is given. */
  end(error?: Error): void;
  /** Drops what waits and ends the iterator with an error. */
  abort(error: Error): void;
  iterator: AsyncIterableIterator<Item>;
}

/**
 * Its iterator is a plain one and no generator: a generator's `return()` waits for the `next()` that hangs, so a reader
 * that leaves while nothing happens would never be let go.
 */
export function createAsyncQueue<Item extends object>(options: AsyncQueueOptions<Item>): AsyncQueue<Item> {
  const { max, size, superseded, onClose } = options;
  const waiting: Item[] = [];
  /** The sizes of what waits, added up. */
  let waitingSize = 0;
  /** Null while more may come. Its error is given once. */
  let ending: { error: Error | null } | null = null;
  let closed = false;
  let reader: PromiseWithResolvers<IteratorResult<Item>> | null = null;

  const sizeOf = (item: Item | undefined) => (item && size ? size.of(item) : 0);

  function isTooMuch(item: Item): boolean {
    // One of any size: without it nothing would ever be given.
    return size !== undefined && waiting.length > 0 && waitingSize + sizeOf(item) > size.max;
  }

  function drop(): void {
    waiting.length = 0;
    waitingSize = 0;
  }

  /** Gives the reader what there is for it. */
  function serve(): void {
    if (reader && (waiting.length > 0 || ending)) {
      const { resolve, reject } = reader;
      reader = null;
      const item = waiting.shift();
      waitingSize -= sizeOf(item);
      if (item) resolve({ done: false, value: item });
      else if (ending?.error) reject(ending.error);
      else resolve({ done: true, value: undefined });
      if (!item) ending = { error: null };
    }
    if (!ending || waiting.length > 0 || closed) return;
    closed = true;
    onClose();
  }

  function end(error: Error | null): void {
    if (ending) return;
    ending = { error };
    serve();
  }

  return {
    push(item) {
      if (ending) return true;
      const old = superseded?.(waiting, item);
      if (old) {
        waiting.splice(waiting.indexOf(old), 1);
        waitingSize -= sizeOf(old);
      } else if (waiting.length >= max || isTooMuch(item)) return false;
      waiting.push(item);
      waitingSize += sizeOf(item);
      serve();
      return true;
    },
    end: (error) => end(error ?? null),
    abort(error) {
      if (ending) return;
      drop();
      end(error);
    },
    iterator: {
      next() {
        reader ??= Promise.withResolvers();
        const { promise } = reader;
        serve();
        return promise;
      },
      return() {
        drop();
        ending = { error: null };
        serve();
        return Promise.resolve({ done: true, value: undefined });
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    },
  };
}
