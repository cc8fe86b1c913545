import { once } from 'node:events';
import fc from 'fast-check';
import { WebSocket } from 'ws';
import * as z from 'zod';
import { send } from './attacks/wire.ts';
import { mutatedDocument } from './fuzzed-documents.ts';

export interface FuzzOptions {
  /** The gateway's origin. */
  url: string;
  /** The loopback address that it comes from. */
  from: string;
  /** The same seed sends the same again. */
  seed: number;
  /** Ends after so many tries, or after that time in milliseconds, whichever is given and comes first. */
  runs?: number;
  ms?: number;
}

/** How often each kind of answer came: status and code over HTTP, message types, codes and close codes of sockets. */
export type FuzzTally = Record<string, number>;

const errorsSchema = z
  .array(z.looseObject({ message: z.string(), extensions: z.looseObject({ code: z.string() }) }))
  .min(1);
const dataSchema = z.looseObject({
  data: z.record(z.string(), z.unknown()).nullish(),
  errors: errorsSchema.optional(),
});
const messageSchema = z.discriminatedUnion('type', [
  z.object({ type: z.enum(['connection_ack', 'ping', 'pong']), payload: z.unknown().optional() }),
  z.object({ type: z.literal('next'), id: z.string(), payload: dataSchema }),
  z.object({ type: z.literal('error'), id: z.string(), payload: errorsSchema }),
  z.object({ type: z.literal('complete'), id: z.string() }),
]);

/** Of WebSocket and of graphql-transport-ws, for what a client did wrong or too much of. */
const CLOSE_CODES = [1000, 1002, 1003, 1007, 1008, 1009, 1013, 4400, 4401, 4408, 4409, 4429];
/** A client that is still sending more than this may see the connection reset instead of its answer. */
const MAX_BODY_BYTES = 1024 * 1024;
const ANSWERED_WITHIN_MS = 30_000;
const MAX_SHOWN_CHARACTERS = 2_000;
const LAST = 'the last of its messages';

const json = fc.jsonValue({ maxDepth: 4 });
/** Mostly what is expected there: one message that is no message of the protocol closes a socket with all others. */
const mostly = <T>(usual: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 40, arbitrary: usual }, { weight: 1, arbitrary: json });
const payload = fc.record(
  {
    query: mostly(mutatedDocument),
    variables: mostly(
      fc.oneof(
        fc.record({ id: fc.uuid() }),
        fc.dictionary(fc.constantFrom('id', 'first', 'input', 'filter', 'x'), json),
      ),
    ),
    operationName: mostly(fc.constantFrom(null, 'A', 'Watch')),
    extensions: mostly(fc.dictionary(fc.constantFrom('traceparent', 'persistedQuery', 'x'), json)),
    documentId: fc.option(mostly(fc.constantFrom('sha256:', 'x', '__proto__')), { freq: 20 }),
  },
  { requiredKeys: ['query'] },
);
const text = fc.oneof(
  payload.map((value) => JSON.stringify(value)),
  fc.string({ unit: 'binary' }),
  fc.json(),
);
/** The beginning of a text again and again, up to some more than is taken. */
const sized = fc
  .tuple(text, fc.constantFrom(1, 1, 1, 2, 1_000, 100_000), fc.nat())
  .map(([whole, times, cut]) => whole.slice(0, times === 1 ? undefined : (cut % 40) + 1).repeat(times));

const request = fc.record({
  kind: fc.constant('request' as const),
  method: fc.constantFrom('POST', 'POST', 'POST', 'POST', 'GET', 'PUT', 'DELETE', 'OPTIONS', 'HEAD'),
  type: fc.constantFrom('application/json', 'application/json', 'application/json; charset=utf-8', 'text/plain', ''),
  accept: fc.constantFrom('application/json', 'application/graphql-response+json', '*/*', 'text/html', ''),
  body: fc.oneof(
    { weight: 3, arbitrary: payload.map((value) => JSON.stringify(value)) },
    { weight: 1, arbitrary: sized },
  ),
});
const id = fc.oneof(
  { weight: 20, arbitrary: fc.uuid() },
  { weight: 2, arbitrary: fc.constantFrom('1', '2', '__proto__', '') },
  { weight: 1, arbitrary: fc.string({ maxLength: 300 }) },
);
const message = fc.oneof(
  { weight: 24, arbitrary: fc.record({ id, type: fc.constant('subscribe'), payload }).map((m) => JSON.stringify(m)) },
  { weight: 4, arbitrary: fc.record({ id, type: fc.constant('complete') }).map((m) => JSON.stringify(m)) },
  { weight: 4, arbitrary: json.map((value) => JSON.stringify({ type: 'ping', payload: value })) },
  {
    weight: 1,
    arbitrary: fc
      .record({ id: json, type: fc.constantFrom('subscribe', 'next', 'connection_init', 'x'), payload: json })
      .map((m) => JSON.stringify(m)),
  },
  { weight: 1, arbitrary: sized },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 2_000 }).map((bytes) => Buffer.from(bytes)) },
);
const socket = fc.record({
  kind: fc.constant('socket' as const),
  init: fc.oneof({ weight: 9, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
  messages: fc.array(message, { maxLength: 12 }),
});

const tries = fc.oneof(request, socket);
type Try = typeof tries extends fc.Arbitrary<infer What> ? What : never;

/** Tried first, whatever the seed: what is as it should be gets through to what the others are about. */
const WELL: [Try][] = [
  [
    {
      kind: 'request',
      method: 'POST',
      type: 'application/json',
      accept: 'application/json',
      body: '{"query":"{ __typename }"}',
    },
  ],
  [
    {
      kind: 'socket',
      init: true,
      messages: ['{"id":"1","type":"subscribe","payload":{"query":"{ __typename }"}}'],
    },
  ],
  [{ kind: 'socket', init: true, messages: ['{}'] }],
];

/**
 * Sends documents, bodies and messages that valid ones were made into, until they are enough. Rejects with the
 * smallest that was not answered as it must be: by a typed error or data over HTTP, by messages or a close code of the
 * protocol over a socket, and never with INTERNAL.
 */
export async function fuzz({ url, from, seed, runs, ms }: FuzzOptions): Promise<FuzzTally> {
  const tally: FuzzTally = {};
  const count = (what: string) => {
    tally[what] = (tally[what] ?? 0) + 1;
  };
  const property = fc.asyncProperty(tries, async (what) => {
    if (what.kind === 'request') count(await tryRequest(what, { url, from }));
    else for (const each of await trySocket(what, { url, from })) count(each);
  });
  const found = await fc.check(property, {
    seed,
    examples: WELL,
    numRuns: runs ?? Number.MAX_SAFE_INTEGER,
    ...(ms !== undefined && { interruptAfterTimeLimit: ms }),
    markInterruptAsFailure: false,
  });
  // Cut short before the first try was over, which counts as failed as well, it has found nothing either.
  if (!found.failed || found.counterexample === null) return tally;
  // The smallest that was found may still have a million characters.
  const what = fc.stringify(found.counterexample).slice(0, MAX_SHOWN_CHARACTERS);
  throw new Error(`seed ${found.seed}, path ${found.counterexamplePath}: ${what}`, { cause: found.errorInstance });
}

type Place = Pick<FuzzOptions, 'url' | 'from'>;

async function tryRequest(
  { method, type, accept, body }: { method: string; type: string; accept: string; body: string },
  place: Place,
): Promise<string> {
  const inQuery = method === 'GET' || method === 'HEAD';
  const path = inQuery ? `/graphql?${new URLSearchParams({ query: body.slice(0, 4_000) })}` : '/graphql';
  const headers = {
    ...(type && { 'content-type': type }),
    ...(accept && { accept }),
    ...(inQuery ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
  };
  const client = {
    ...place,
    signal: AbortSignal.timeout(ANSWERED_WITHIN_MS),
    sent: () => undefined,
    answered: () => undefined,
  };
  let answer: Awaited<ReturnType<typeof send>>;
  try {
    answer = await send(client, { method, path, headers, ...(inQuery ? {} : { body }) });
  } catch (cause) {
    const reset = cause instanceof Error && 'code' in cause && ['ECONNRESET', 'EPIPE'].includes(String(cause.code));
    if (reset && Buffer.byteLength(body) > MAX_BODY_BYTES) return 'reset';
    throw cause;
  }
  const { status, text: given } = answer;
  // Node answers a request line that is too long by itself.
  const withoutBody = method === 'HEAD' || status === 204 || status === 431;
  if (withoutBody || isPage(answer)) return String(status);
  const { errors } = dataSchema.parse(JSON.parse(given));
  for (const { extensions } of errors ?? []) expectTyped(extensions.code, given);
  const fine = status === 200 || (status >= 400 && status < 500) || status === 503;
  if (!fine || (status !== 200 && !errors)) throw new Error(`${status}: ${given}`);
  return `${status} ${errors?.[0]?.extensions.code ?? 'data'}`;
}

/** GraphiQL, or an event stream. */
function isPage({ status, text: given }: { status: number; text: string }): boolean {
  return status === 200 && /^(?:<!|event:|:)/i.test(given.trimStart());
}

function expectTyped(code: string, given: string): void {
  if (code === 'INTERNAL') throw new Error(`an error that nobody expected: ${given.slice(0, 1_000)}`);
}

async function trySocket(
  { init, messages }: { init: boolean; messages: (string | Buffer)[] },
  { url, from }: Place,
): Promise<string[]> {
  const seen: string[] = [];
  const faults: unknown[] = [];
  const done = Promise.withResolvers<void>();
  const client = new WebSocket(`${url}/graphql`.replace('http', 'ws'), 'graphql-transport-ws', { localAddress: from });
  client.on('message', (data) => {
    try {
      const given = messageSchema.parse(JSON.parse(String(data)));
      seen.push(given.type);
      for (const { extensions } of errorsOf(given)) {
        seen.push(`${given.type} ${extensions.code}`);
        expectTyped(extensions.code, String(data));
      }
      if (given.type === 'pong' && given.payload === LAST) done.resolve();
    } catch (fault) {
      faults.push(fault);
      done.resolve();
    }
  });
  client.on('close', (code) => {
    seen.push(`closed with ${code}`);
    if (!CLOSE_CODES.includes(code)) faults.push(new Error(`closed with ${code}`));
    done.resolve();
  });
  client.on('error', (fault) => {
    faults.push(fault);
    done.resolve();
  });
  client.on('unexpected-response', (_request, { statusCode = 0 }) => {
    seen.push(`refused with ${statusCode}`);
    if (statusCode !== 429 && statusCode !== 503) faults.push(new Error(`refused with ${statusCode}`));
    done.resolve();
  });
  const timer = setTimeout(() => {
    faults.push(new Error(`not answered within ${ANSWERED_WITHIN_MS} ms`));
    done.resolve();
  }, ANSWERED_WITHIN_MS);
  try {
    await Promise.race([once(client, 'open'), done.promise]);
    if (client.readyState === client.OPEN) {
      if (init) client.send('{"type":"connection_init"}');
      for (const each of messages) client.send(each);
      client.send(JSON.stringify({ type: 'ping', payload: LAST }));
    }
    await done.promise;
  } finally {
    clearTimeout(timer);
    client.removeAllListeners('close');
    client.terminate();
  }
  if (faults.length > 0) throw faults[0];
  return seen;
}

function errorsOf(given: z.infer<typeof messageSchema>): z.infer<typeof errorsSchema> {
  if (given.type === 'error') return given.payload;
  return given.type === 'next' ? (given.payload.errors ?? []) : [];
}
