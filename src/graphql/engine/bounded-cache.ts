/** A map that forgets its oldest entry for each one too many. `get` makes an entry the newest. */
export interface BoundedCache<Key, Value> {
  get(key: Key): Value | undefined;
  set(key: Key, value: Value): void;
}

/** Holds entries of a total weight of at most `maxWeight`; heavier ones are not held at all. */
export function createBoundedCache<Key, Value>(
  maxWeight: number,
  weigh: (key: Key, value: Value) => number,
): BoundedCache<Key, Value> {
  // A Map iterates in the order in which keys were put in.
  const entries = new Map<Key, { value: Value; weight: number }>();
  let total = 0;

  function remove(key: Key): void {
    const entry = entries.get(key);
    if (!entry) return;
    entries.delete(key);
    total -= entry.weight;
  }

  return {
    get(key) {
      const entry = entries.get(key);
      if (!entry) return undefined;
      entries.delete(key);
      entries.set(key, entry);
      return entry.value;
    },
    set(key, value) {
      remove(key);
      const weight = weigh(key, value);
      if (weight > maxWeight) return;
      entries.set(key, { value, weight });
      total += weight;
      for (const oldest of entries.keys()) {
        if (total <= maxWeight) break;
        remove(oldest);
      }
    },
  };
}
