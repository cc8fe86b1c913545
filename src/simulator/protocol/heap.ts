/**
 * A binary heap in an array, in the layout of Python's heapq. GET /queue shows that array, so clients see its order.
 */
export interface Heap<T> {
  /** The array, smallest first, the rest in heap order. Not to be changed from outside. */
  readonly items: readonly T[];
  /** Adds an item. If `before` throws, the item is in the heap all the same, as with heapq. */
  push(item: T): void;
  pop(): T | undefined;
  /** Removes the first item in array order that matches, and makes the rest a heap again. */
  remove(matches: (item: T) => boolean): T | undefined;
  clear(): void;
}

export function createHeap<T>(before: (a: T, b: T) => boolean): Heap<T> {
  const items: T[] = [];

  function rise(start: number, from: number): void {
    let at = from;
    const item = items[at] as T;
    while (at > start) {
      const parent = (at - 1) >> 1;
      const above = items[parent] as T;
      if (!before(item, above)) break;
      items[at] = above;
      at = parent;
    }
    items[at] = item;
  }

  function sink(from: number): void {
    let at = from;
    const item = items[at] as T;
    for (let child = 2 * at + 1; child < items.length; child = 2 * at + 1) {
      const right = child + 1;
      const smaller = right < items.length && !before(items[child] as T, items[right] as T) ? right : child;
      items[at] = items[smaller] as T;
      at = smaller;
    }
    items[at] = item;
    rise(from, at);
  }

  return {
    items,
    push(item) {
      items.push(item);
      rise(0, items.length - 1);
    },
    pop() {
      const last = items.pop();
      if (last === undefined || items.length === 0) return last;
      const first = items[0];
      items[0] = last;
      sink(0);
      return first;
    },
    remove(matches) {
      const at = items.findIndex(matches);
      if (at < 0) return undefined;
      const [removed] = items.splice(at, 1);
      for (let i = (items.length >> 1) - 1; i >= 0; i--) sink(i);
      return removed;
    },
    clear() {
      items.length = 0;
    },
  };
}
