/**
 * Maps what an async iterable yields and what it throws. No generator: the `return()` of one waits for its pending
 * `next()`, which may never come.
 */
export function mapEvents<Event, Result>(
  events: AsyncIterable<Event>,
  map: (event: Event) => Promise<Result> | Result,
  mapError: (error: unknown) => Error,
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
        return step.done ? done : { done: false, value: await map(step.value) };
      } catch (error) {
        failed = true;
        throw mapError(error);
      }
    },
    async return() {
      await iterator.return?.();
      return done;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
