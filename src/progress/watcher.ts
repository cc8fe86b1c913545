import { createAsyncQueue } from '../async/async-queue.ts';
import { unavailable } from '../core/errors.ts';
import { isPassing, isTerminalEvent, type JobEvent } from '../core/events.ts';

/** One client's view of a job: a queue that its iterator empties at the client's own speed. */
export interface Watcher {
  /**
   * In the order of what happened. For a slow client the latest PROGRESS replaces one that still waits, and so do the
   * latest MOVED and the latest PREVIEW, which the end does not wait for; nothing else is dropped. A client that reads
   * nothing is given up with UNAVAILABLE before what waits for it grows without end.
   */
  push(event: JobEvent): void;
  /**
   * Its first events, up to the number `seq`; what was pushed before is held until then, so that nothing falls in
   * between.
   */
  start(events: JobEvent[], seq: number): void;
  /** Ends the iterator with an error, behind what still waits. */
  fail(error: Error): void;
  /** Ends the iterator, behind what still waits. */
  finish(): void;
  iterator: AsyncIterableIterator<JobEvent>;
}

/**
 * How many events may wait for a client. A log keeps about 5,000 (transition.lua), which is the most that a watcher can
 * have missed; of what happens later, only the few steps in a job's life pile up.
 */
const MAX_WAITING = 10_000;

/**
 * `onClose` runs once, when the client leaves or the last event is out, `onConflated` with each event that a newer one
 * replaces.
 */
export function createWatcher(onClose: () => void, onConflated?: () => void): Watcher {
  /** Pushed before the start; null from then on. */
  let held: JobEvent[] | null = [];
  let lastSeq = 0;
  const queue = createAsyncQueue<JobEvent>({
    max: MAX_WAITING,
    onClose,
    superseded(waiting, event) {
      // The first events are those that a watcher has missed: it gets all of them.
      if (held) return undefined;
      const old = supersededBy(event, waiting);
      if (old?.type === event.type) onConflated?.();
      return old;
    },
  });

  function push(event: JobEvent): void {
    if (isPassing(event.type)) {
      if (!held && event.seq >= lastSeq) queue.push(event);
      return;
    }
    if (held) {
      held.push(event);
      return;
    }
    // A SNAPSHOT may go back, where Redis has lost writes, and an end is an end whatever its number.
    if (event.seq <= lastSeq && event.type !== 'SNAPSHOT' && !isTerminalEvent(event.type)) return;
    lastSeq = event.seq;
    give(event);
  }

  function give(event: JobEvent): void {
    if (!queue.push(event)) {
      queue.abort(unavailable('events were not read as fast as they came: watch the job again', 1));
    }
    if (isTerminalEvent(event.type)) queue.end();
  }

  return {
    push,
    start(events, seq) {
      for (const event of events) give(event);
      lastSeq = seq;
      const since = held ?? [];
      held = null;
      for (const event of since) push(event);
    },
    fail: queue.end,
    finish: () => queue.end(),
    iterator: queue.iterator,
  };
}

/**
 * The event that need not be given any more once this one has come. Neither the end nor a SNAPSHOT waits for a PREVIEW.
 */
function supersededBy({ type }: JobEvent, waiting: readonly JobEvent[]): JobEvent | undefined {
  if (type === 'PROGRESS') {
    const last = waiting.findLast((each) => !isPassing(each.type));
    return last?.type === 'PROGRESS' ? last : undefined;
  }
  if (type === 'MOVED') return waiting.find((each) => each.type === 'MOVED');
  const endsPreview = type === 'PREVIEW' || type === 'SNAPSHOT' || isTerminalEvent(type);
  return endsPreview ? waiting.find((each) => each.type === 'PREVIEW') : undefined;
}
