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

export function createAsyncQueue<Item extends object>(options: AsyncQueueOptions<Item>): AsyncQueue<Item> {
  return new WaitingItems(options);
}

/**
 * Queue and iterator in one object with no closures, since there is one for each of many thousand watchers. The
 * iterator is no generator: a generator's `return()` waits for the `next()` that hangs, so a reader that leaves while
 * nothing happens would never be let go.
 */
class WaitingItems<Item extends object> implements AsyncQueue<Item>, AsyncIterableIterator<Item> {
  readonly #options: AsyncQueueOptions<Item>;
  readonly #waiting: Item[] = [];
  /** The sizes of what waits, added up. */
  #waitingSize = 0;
  /** Null while more may come. Its error is given once. */
  #ending: { error: Error | null } | null = null;
  #closed = false;
  #reader: PromiseWithResolvers<IteratorResult<Item>> | null = null;

  constructor(options: AsyncQueueOptions<Item>) {
    this.#options = options;
  }

  get iterator(): AsyncIterableIterator<Item> {
    return this;
  }

  push(item: Item): boolean {
    if (this.#ending) return true;
    const waiting = this.#waiting;
    const old = this.#options.superseded?.(waiting, item);
    if (old) {
      waiting.splice(waiting.indexOf(old), 1);
      this.#waitingSize -= this.#sizeOf(old);
    } else if (waiting.length >= this.#options.max || this.#isTooMuch(item)) return false;
    waiting.push(item);
    this.#waitingSize += this.#sizeOf(item);
    this.#serve();
    return true;
  }

  end(error?: Error): void {
    if (this.#ending) return;
    this.#ending = { error: error ?? null };
    this.#serve();
  }

  abort(error: Error): void {
    if (this.#ending) return;
    this.#drop();
    this.end(error);
  }

  next(): Promise<IteratorResult<Item>> {
    this.#reader ??= Promise.withResolvers();
    const { promise } = this.#reader;
    this.#serve();
    return promise;
  }

  return(): Promise<IteratorResult<Item>> {
    this.#drop();
    this.#ending = { error: null };
    this.#serve();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #sizeOf(item: Item | undefined): number {
    const { size } = this.#options;
    return item && size ? size.of(item) : 0;
  }

  #isTooMuch(item: Item): boolean {
    const { size } = this.#options;
    // One of any size: without it nothing would ever be given.
    return size !== undefined && this.#waiting.length > 0 && this.#waitingSize + this.#sizeOf(item) > size.max;
  }

  #drop(): void {
    this.#waiting.length = 0;
    this.#waitingSize = 0;
  }

  /** Gives the reader what there is for it. */
  #serve(): void {
    if (this.#reader && (this.#waiting.length > 0 || this.#ending)) {
      const { resolve, reject } = this.#reader;
      this.#reader = null;
      const item = this.#waiting.shift();
      this.#waitingSize -= this.#sizeOf(item);
      if (item) resolve({ done: false, value: item });
      else if (this.#ending?.error) reject(this.#ending.error);
      else resolve({ done: true, value: undefined });
      if (!item) this.#ending = { error: null };
    }
    if (!this.#ending || this.#waiting.length > 0 || this.#closed) return;
    this.#closed = true;
    this.#options.onClose();
  }
}
