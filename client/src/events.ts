import type { Sink } from 'graphql-ws/client';
import type { JobEventType } from './job.ts';

/** The next of these takes the place of the one before, where that still waits to be read. */
const PASSING: JobEventType[] = ['PROGRESS', 'PREVIEW', 'MOVED'];

/** Events that may wait to be read: more than one job has of those that are kept. */
const MAX_WAITING = 10_000;

/**
 * Iterates over what `subscribe` gives to its sink, from the first `next()` on. It ends when the subscription does, or
 * throws when `signal` is aborted. Whoever reads slowly misses PROGRESS, PREVIEW and MOVED, nothing else.
 */
export async function* iterate<Event extends { type: JobEventType }>(
  subscribe: (sink: Sink<Event>) => () => void,
  signal?: AbortSignal,
): AsyncGenerator<Event, void, undefined> {
  signal?.throwIfAborted();
  const waiting: Event[] = [];
  let ended: { error?: unknown } | undefined;
  let wake = () => {};
  function end(how: { error?: unknown }) {
    ended ??= how;
    wake();
  }
  const leave = subscribe({
    next(event) {
      const last = waiting.at(-1);
      if (last?.type === event.type && PASSING.includes(event.type)) waiting.pop();
      waiting.push(event);
      if (waiting.length > MAX_WAITING) end({ error: new Error(`${MAX_WAITING} events were not read`) });
      wake();
    },
    error: (error) => end({ error }),
    complete: () => end({}),
  });
  const abort = () => end({ error: signal?.reason });
  signal?.addEventListener('abort', abort);
  try {
    for (;;) {
      const event = signal?.aborted ? undefined : waiting.shift();
      if (event) yield event;
      else if (ended && 'error' in ended) throw ended.error;
      else if (ended) return;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    signal?.removeEventListener('abort', abort);
    leave();
  }
}
