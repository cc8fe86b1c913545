import { type AsyncQueue, createAsyncQueue } from '../async/async-queue.ts';
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
  return new QueueingWatcher(onClose, onConflated);
}

/** A class, since there are many thousand at a time: methods that are closures would take as much again. */
class QueueingWatcher implements Watcher {
  readonly #queue: AsyncQueue<JobEvent>;
  /** Pushed before the start; null from then on. */
  #held: JobEvent[] | null = [];
  #lastSeq = 0;

  constructor(onClose: () => void, onConflated?: () => void) {
    this.#queue = createAsyncQueue<JobEvent>({
      max: MAX_WAITING,
      onClose,
      superseded: (waiting, event) => {
        // The first events are those that a watcher has missed: it gets all of them.
        if (this.#held || waiting.length === 0) return undefined;
        const old = supersededBy(event, waiting);
        if (old?.type === event.type) onConflated?.();
        return old;
      },
    });
  }

  get iterator(): AsyncIterableIterator<JobEvent> {
    return this.#queue.iterator;
  }

  push(event: JobEvent): void {
    if (isPassing(event.type)) {
      if (!this.#held && event.seq >= this.#lastSeq) this.#queue.push(event);
      return;
    }
    if (this.#held) {
      this.#held.push(event);
      return;
    }
    // A SNAPSHOT may go back, where Redis has lost writes, and an end is an end whatever its number.
    if (event.seq <= this.#lastSeq && event.type !== 'SNAPSHOT' && !isTerminalEvent(event.type)) return;
    this.#lastSeq = event.seq;
    this.#give(event);
  }

  start(events: JobEvent[], seq: number): void {
    for (const event of events) this.#give(event);
    this.#lastSeq = seq;
    const since = this.#held ?? [];
    this.#held = null;
    for (const event of since) this.push(event);
  }

  fail(error: Error): void {
    this.#queue.end(error);
  }

  finish(): void {
    this.#queue.end();
  }

  #give(event: JobEvent): void {
    if (!this.#queue.push(event)) {
      this.#queue.abort(unavailable('events were not read as fast as they came: watch the job again', 1));
    }
    if (isTerminalEvent(event.type)) this.#queue.end();
  }
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
