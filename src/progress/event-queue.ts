import type { JobEvent } from '../core/events.ts';

/** One client's events, which its iterator takes at the client's own speed. */
export interface EventQueue {
  /** False: it is full. */
  push(event: JobEvent): boolean;
  /** Ends the iterator with an error, at once. */
  fail(error: Error): void;
  /** Ends the iterator, behind what still waits. */
  finish(): void;
  iterator: AsyncIterableIterator<JobEvent>;
}

/** A plain iterator, as in watcher.ts. `onClose` runs once: when the client leaves, at the error or behind the last event. */
export function createEventQueue(max: number, onClose: () => void): EventQueue {
  const queue: JobEvent[] = [];
  let ending: { error: Error | null } | null = null;
  let closed = false;
  let waiting: PromiseWithResolvers<IteratorResult<JobEvent>> | null = null;

  const done: IteratorResult<JobEvent> = { done: true, value: undefined };
  const close = () => {
    queue.length = 0;
    if (closed) return;
    closed = true;
    onClose();
  };
  const serve = () => {
    if (!waiting) return;
    const { resolve, reject } = waiting;
    const event = queue.shift();
    if (!event && !ending && !closed) return;
    waiting = null;
    if (event) return resolve({ done: false, value: event });
    const error = ending?.error;
    ending = { error: null };
    close();
    if (error) reject(error);
    else resolve(done);
  };

  return {
    push(event) {
      if (closed || ending) return true;
      if (queue.length >= max) return false;
      queue.push(event);
      serve();
      return true;
    },
    fail(error) {
      if (closed || ending) return;
      ending = { error };
      // The client may never ask again: what it held is let go now.
      close();
      serve();
    },
    finish() {
      if (closed || ending) return;
      ending = { error: null };
      serve();
    },
    iterator: {
      next() {
        if (closed && !ending?.error) return Promise.resolve(done);
        waiting ??= Promise.withResolvers();
        const { promise } = waiting;
        serve();
        return promise;
      },
      return() {
        ending = { error: null };
        close();
        serve();
        return Promise.resolve(done);
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    },
  };
}
