import type { ExecutionResult } from 'graphql';
import type { FetchAPI } from 'graphql-yoga';
import { eventText } from './event-ids.ts';

/**
 * Shorter than the time after which proxies give a silent connection up, 30 s and more, so that a client that waits for
 * two of them notices within ten seconds that its path has gone silent.
 */
const PING_MS = 5_000;

const HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  // Nothing on the way is to hold events: neither to keep or compress them nor, as nginx does, to collect them.
  'Cache-Control': 'no-cache, no-transform',
  'X-Accel-Buffering': 'no',
};

/**
 * Results as server-sent events, by the protocol graphql-sse in its mode of distinct connections: `next` for each, one
 * after another as they are read, then `complete`. Yoga's own way knows no ids.
 */
export function eventStream(
  results: AsyncIterable<ExecutionResult>,
  { Response, ReadableStream, TextEncoder }: FetchAPI,
): Response {
  const iterator = results[Symbol.asyncIterator]();
  const encoder = new TextEncoder();
  let pinging: NodeJS.Timeout | undefined;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      const ping = encoder.encode(':\n\n');
      // Some browsers say that a stream is open only when something has come.
      controller.enqueue(ping);
      pinging = setInterval(() => {
        if ((controller.desiredSize ?? 0) > 0) controller.enqueue(ping);
      }, PING_MS);
    },
    async pull(controller) {
      const { done, value } = await iterator.next();
      if (!done) return controller.enqueue(encoder.encode(eventText(value)));
      clearInterval(pinging);
      controller.enqueue(encoder.encode('event: complete\ndata:\n\n'));
      controller.close();
    },
    async cancel() {
      clearInterval(pinging);
      await iterator.return?.();
    },
  });
  return new Response(body, { headers: HEADERS });
}
