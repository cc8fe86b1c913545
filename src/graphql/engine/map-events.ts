export interface EventMapping<Event, Result> {
  map(event: Event): Promise<Result> | Result;
  mapError(error: unknown): Error;
  /** Why the events end before their time; null while they do not. What is under way then is dropped. */
  why(): Error | null;
  /** Called when there is nothing more to come, and when the reader leaves. */
  ended(): void;
}

/**
 * Maps what an async iterable yields and what it throws. No generator: the `return()` of one waits for its pending
 * `next()`, which may never come.
 */
export function mapEvents<Event, Result>(
  events: AsyncIterable<Event>,
  { map, mapError, why, ended }: EventMapping<Event, Result>,
): AsyncIterableIterator<Result> {
  const iterator = events[Symbol.asyncIterator]();
  const done = { done: true, value: undefined } as const;
  let failed = false;
  return {
    async next() {
      // Yoga makes a result of what is thrown and calls next() again: there is nothing behind it.
      if (failed) return done;
      try {
        const step = await iterator.next();
        const value = step.done ? undefined : await map(step.value);
        const reason = why();
        if (reason) throw reason;
        if (value !== undefined) return { done: false, value };
        ended();
        return done;
      } catch (error) {
        failed = true;
        ended();
        throw mapError(error);
      }
    },
    async return() {
      ended();
      await iterator.return?.();
      return done;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
