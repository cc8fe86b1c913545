import { isTerminalEvent, type JobEvent } from '../core/events.ts';

/** One client's view of a job: a queue that its iterator empties at the client's own speed. */
export interface Watcher {
  /**
   * In the order of what happened. For a slow client the latest PROGRESS replaces one that still waits, and so does the latest
   * PREVIEW, which the end does not wait for; nothing else is dropped.
   */
  push(event: JobEvent): void;
  /** Its first events, up to the number `seq`; what was pushed before is held until then, so that nothing falls in between. */
  start(events: JobEvent[], seq: number): void;
  /** Ends the iterator with an error, behind what still waits. */
  fail(error: Error): void;
  /** Ends the iterator, behind what still waits. */
  finish(): void;
  iterator: AsyncIterableIterator<JobEvent>;
}

/**
 * A plain iterator rather than a generator: a generator's `return()` waits for the `next()` that hangs, so a client that
 * leaves while nothing happens would never be let go. `onClose` runs once, when the client leaves or the last event is out,
 * `onConflated` with each event that a newer one replaces.
 */
export function createWatcher(onClose: () => void, onConflated?: () => void): Watcher {
  const queue: JobEvent[] = [];
  /** The PREVIEW that waits; in its place among the queue by its number. */
  let preview: JobEvent | null = null;
  /** Pushed before the start. */
  let held: JobEvent[] | null = [];
  let lastSeq = 0;
  let ending: { error: Error | null } | null = null;
  let closed = false;
  let waiting: PromiseWithResolvers<IteratorResult<JobEvent>> | null = null;

  const done: IteratorResult<JobEvent> = { done: true, value: undefined };
  const close = () => {
    if (closed) return;
    closed = true;
    queue.length = 0;
    preview = null;
    onClose();
  };
  const take = () => {
    const [first] = queue;
    if (!preview || (first && first.seq <= preview.seq)) return queue.shift();
    const event = preview;
    preview = null;
    return event;
  };
  /** Gives the one who waits what there is. */
  const serve = () => {
    if (!waiting) return;
    const event = take();
    if (!event && !ending && !closed) return;
    const { resolve, reject } = waiting;
    waiting = null;
    if (event) return resolve({ done: false, value: event });
    const error = ending?.error ?? null;
    close();
    if (error && ending) {
      ending = { error: null };
      reject(error);
    } else resolve(done);
  };
  const end = (error: Error | null) => {
    if (closed || ending) return;
    ending = { error };
    serve();
  };

  const push = (event: JobEvent) => {
    if (closed || ending) return;
    if (event.type === 'PREVIEW') {
      if (held || event.seq < lastSeq) return;
      if (preview) onConflated?.();
      preview = event;
      return serve();
    }
    if (held) {
      held.push(event);
      return;
    }
    // A SNAPSHOT may go back, where Redis has lost writes, and an end is an end whatever its number.
    if (event.seq <= lastSeq && event.type !== 'SNAPSHOT' && !isTerminalEvent(event.type)) return;
    lastSeq = event.seq;
    if (event.type === 'PROGRESS' && queue.at(-1)?.type === 'PROGRESS') {
      queue.pop();
      onConflated?.();
    }
    queue.push(event);
    if (isTerminalEvent(event.type)) ending = { error: null };
    if (ending || event.type === 'SNAPSHOT') preview = null;
    serve();
  };

  return {
    push,
    start(events, seq) {
      const since = held ?? [];
      held = null;
      lastSeq = seq;
      if (closed || ending) return;
      queue.push(...events);
      const last = events.at(-1);
      if (last && isTerminalEvent(last.type)) ending = { error: null };
      for (const event of since) push(event);
      serve();
    },
    fail: end,
    finish: () => end(null),
    iterator: {
      next() {
        if (closed) return Promise.resolve(done);
        waiting ??= Promise.withResolvers();
        const { promise } = waiting;
        serve();
        return promise;
      },
      return() {
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
