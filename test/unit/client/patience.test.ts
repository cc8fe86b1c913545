import { getEventListeners } from 'node:events';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createConnection } from '../../../client/src/connection.ts';
import { createQuery } from '../../../client/src/query.ts';

const URL = 'http://gateway/graphql';

/** A page at a gateway. `call` answers what it asks, and `probe` when it asks whether the gateway is there. */
function openPage(
  call: (attempt: number, signal: AbortSignal | null) => Response | Promise<Response>,
  probe = (_mode: RequestInit['mode']) => new Response(),
) {
  let calls = 0;
  const modes: RequestInit['mode'][] = [];
  const fetch = async (_: unknown, { method, mode, signal = null }: RequestInit = {}): Promise<Response> => {
    if (method) return call(++calls, signal);
    modes.push(mode);
    return probe(mode);
  };
  const timeouts = { answer: 20, firstWait: 1, maxWait: 1 };
  const connection = createConnection(URL, { fetch: fetch as typeof globalThis.fetch, timeouts });
  onTestFinished(() => connection.close());
  return { query: createQuery(URL, connection.fetch), connection, calls: () => calls, modes };
}

const answer = () => Response.json({ data: { health: 'HEALTHY' } });
const cut = () => {
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode('{"data":'));
      controller.error(new TypeError('terminated'));
    },
  });
  return new Response(body, { headers: { 'content-type': 'application/json' } });
};
/** What a browser says of an answer without CORS headers, whatever it is. */
const unreadable = () => {
  throw new TypeError('Failed to fetch');
};
const never = (signal: AbortSignal | null) =>
  new Promise<Response>((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));

test('an answer that is cut off within its body is asked for again', async () => {
  const { query, calls } = openPage((attempt) => (attempt < 3 ? cut() : answer()));
  expect(await query('{ health }')).toEqual({ health: 'HEALTHY' });
  expect(calls()).toBe(3);
});

test('an answer that is cut off each time by a gateway that can be reached is an error', async () => {
  const { query, calls } = openPage(cut);
  await expect(query('{ health }')).rejects.toThrow('terminated');
  expect(calls()).toBe(3);
});

test('an answer without a body, and its headers, arrive as they are', async () => {
  const { connection } = openPage(() => new Response(null, { status: 204, headers: { 'x-request-id': '1' } }));
  const { status, headers, body } = await connection.fetch(URL, { method: 'POST' });
  expect([status, headers.get('x-request-id'), body]).toEqual([204, '1', null]);
});

test('a page of another origin outlasts a proxy whose 502 has no CORS headers, once it has been answered', async () => {
  let isAway = false;
  const page = openPage(
    () => (isAway ? unreadable() : answer()),
    // Without CORS a page sees of an answer that there is one, and nothing else.
    (mode) => (isAway && mode !== 'no-cors' ? unreadable() : new Response()),
  );
  await page.query('{ health }');
  isAway = true;
  setTimeout(() => (isAway = false), 50);
  expect(await page.query('{ health }')).toEqual({ health: 'HEALTHY' });
  expect(page.modes.length).toBeGreaterThan(3);
});

test('a page that the gateway refuses is told so, since it has never been answered', async () => {
  const { query, calls, modes } = openPage(unreadable);
  await expect(query('{ health }')).rejects.toThrow('Failed to fetch');
  expect(calls()).toBe(3);
  expect(new Set(modes)).toEqual(new Set(['no-cors']));
});

test('calls that are never answered by a gateway that can be reached end, also after others were', async () => {
  const { query, calls } = openPage((attempt, signal) => (attempt === 1 ? answer() : never(signal)));
  await query('{ health }');
  await expect(query('{ health }')).rejects.toMatchObject({ name: 'TimeoutError' });
  expect(calls()).toBe(4);
});

test('an outage leaves no listeners at signals, however often a call was sent', async () => {
  const made = vi.spyOn(AbortSignal, 'any');
  onTestFinished(() => made.mockRestore());
  const { query } = openPage((attempt) => (attempt <= 50 ? new Response(null, { status: 503 }) : answer()));
  const { signal } = new AbortController();
  const listenersAt = (each: AbortSignal) => getEventListeners(each, 'abort').length;
  await query('{ health }', {}, { signal });
  const signals = [signal, ...made.mock.results.map(({ value }) => value)];
  expect(signals.length).toBeGreaterThan(50);
  expect(Math.max(...signals.map(listenersAt))).toBe(0);
});
