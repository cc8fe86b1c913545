import type { Histogram } from 'prom-client';

/**
 * The series of a histogram by the values of its labels, in their order. Each is looked up once: prom-client makes a
 * text of an object of labels for each value that it is given.
 */
export function childrenOf<T extends string>(histogram: Histogram<T>): (...values: string[]) => Histogram.Internal<T> {
  const known = new Map<string, Histogram.Internal<T>>();
  return (...values) => {
    const key = values.join(' ');
    const child = known.get(key) ?? histogram.labels(...values);
    known.set(key, child);
    return child;
  };
}
