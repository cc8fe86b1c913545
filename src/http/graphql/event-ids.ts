import { setImmediate } from 'node:timers/promises';
import type { ExecutionResult } from 'graphql';
import { eventNumber } from '../../graphql/job/event-number.ts';

/*
 * What an EventSource needs to go on where it was and to stop by itself. It connects again whenever a stream is over,
 * with the id of the last event that had one in the header Last-Event-ID, until it is answered 204.
 */

/** The id behind which nothing more comes. */
export const ENDED = 'end';

/** The number that a Last-Event-ID says; undefined for any other. */
export function seqIn(lastEventId: string | string[] | undefined): number | undefined {
  return typeof lastEventId === 'string' && /^\d{1,15}$/.test(lastEventId) ? Number(lastEventId) : undefined;
}

/** Of a result, copied with it, and in no JSON. */
const EVENT_ID = Symbol('event id');

interface Identified extends ExecutionResult {
  [EVENT_ID]?: number | typeof ENDED;
}

/** The lines of an event: its id, where the result has one, and the result. */
export function eventText(result: Identified): string {
  const id = result[EVENT_ID];
  return `${id === undefined ? '' : `id: ${id}\n`}event: next\ndata: ${JSON.stringify(result)}\n\n`;
}

/** The result of an event of `jobProgress`, with its number. */
export function numbered(result: ExecutionResult, event: unknown): Identified {
  const id = eventNumber(event);
  return id === undefined ? result : { ...result, [EVENT_ID]: id };
}

/** The only result of an answer, or the last one, unless another try may bring another: later, or with a new token. */
export function final(result: ExecutionResult): Identified {
  const again = result.errors?.some(
    ({ extensions }) => extensions.retryAfter !== undefined || extensions.code === 'UNAUTHENTICATED',
  );
  return again ? result : { ...result, [EVENT_ID]: ENDED };
}

/** Null where nothing comes out of the results and they are over at once; otherwise all of them. */
export async function unlessOver<T>(results: AsyncIterable<T>): Promise<AsyncIterableIterator<T> | null> {
  const iterator = results[Symbol.asyncIterator]();
  let first: Promise<IteratorResult<T>> | null = iterator.next();
  // What has ended says so without waiting for anything.
  const isOver = first.then(
    ({ done }) => done === true,
    () => false,
  );
  if (await Promise.race([isOver, setImmediate(false)])) return null;
  const all: AsyncIterableIterator<T> = {
    next() {
      const next = first ?? iterator.next();
      first = null;
      return next;
    },
    return: async () => (await iterator.return?.()) ?? { done: true, value: undefined },
    [Symbol.asyncIterator]: () => all,
  };
  return all;
}
