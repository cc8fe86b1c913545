export interface EventMapping<Event, Result> {
  map(event: Event): Promise<Result> | Result;
  mapError(error: unknown): Error;
  /** Called when there is nothing more to come, and when the reader leaves. */
  ended(): void;
}

/**
 * Maps what an async iterable yields and what it throws. No generator: the `return()` of one waits for its pending
 * `next()`, which may never come.
 */
export function mapEvents<Event, Result>(
  events: AsyncIterable<Event>,
  { map, mapError, ended }: EventMapping<Event, Result>,
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
        if (!step.done) return { done: false, value: await map(step.value) };
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
