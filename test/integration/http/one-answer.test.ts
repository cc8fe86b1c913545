import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { getIntrospectionQuery } from 'graphql';
import { describe, expect, onTestFinished, test } from 'vitest';
import { badInput, GatewayError, unauthenticated } from '../../../src/core/errors.ts';
import { readListedDocuments } from '../../../src/graphql/engine/listed-documents.ts';
import type { GenerateRequest } from '../../../src/jobs/jobs.ts';
import type { OperationObserver } from '../../../src/observability/operation-observer.ts';
import { mutatedDocument } from '../../support/fuzzed-documents.ts';
import { type TestServices, testJob, testServices } from '../../support/graph-services.ts';
import { startTestServer } from '../../support/http-server.ts';
import { fuzzSeed, mutatedJson } from '../../support/mutated-json.ts';
import { testCallers, testIdentity } from '../../support/test-callers.ts';

/*
 * Whatever is sent, the short way of one-answer.ts and Yoga alone answer it with the same status, headers and bytes,
 * count the same operations and log the same.
 */

interface Sent {
  method?: string;
  path?: string;
  headers?: { [name: string]: string | string[] };
  body?: string | Buffer;
}

const LISTED = '{ workflows { name } }';
const HASH = createHash('sha256').update(LISTED).digest('hex');
const persisted = {
  only: false,
  listed: readListedDocuments([
    { name: 'a.json', text: JSON.stringify({ [`sha256:${HASH}`]: LISTED, names: LISTED }) },
  ]),
};
const left = [
  { name: 'requestsPerMinute' as const, limit: 60, periodMs: 60_000, remaining: 12.5, resetsInMs: 47_500 },
  { name: 'queued' as const, limit: 5, periodMs: null, remaining: 4, resetsInMs: null },
];
const rateLimited = {
  code: 'RATE_LIMITED',
  retryAfter: 1.2,
  name: 'requestsPerMinute',
  limit: 60,
  remaining: 0,
} as const;

/** What becomes of `generate`, by its key. */
const FATES: { [key: string]: (request: GenerateRequest) => Error | null } = {
  accepted: () => null,
  counted: ({ onLimits }) => {
    onLimits?.({ gpuMs: 1_500, left });
    return null;
  },
  limited: ({ onLimits }) => {
    onLimits?.({ gpuMs: 0, left: left.slice(0, 1) });
    return new GatewayError('too many', rateLimited);
  },
  unavailable: () => new GatewayError('later', { code: 'UNAVAILABLE', retryAfter: 2 }),
  ended: () => unauthenticated(),
  wrong: () => badInput([{ path: ['input'], message: 'x'.repeat(3_000), code: 'invalid_string' }]),
  unexpected: () => new Error('a secret'),
};

async function fatefulServices(): Promise<TestServices> {
  const job = testJob({ tags: ['"', 'é', '\u2028'] });
  return testServices({
    jobs: {
      async generate(asked) {
        const error = FATES[asked.idempotencyKey]?.(asked);
        if (error) throw error;
        return { job, replayed: false };
      },
      get: async (_identity, id) => (id === 'absent' ? null : job),
      list: async ({ first }) => {
        const jobs = Array.from({ length: first }, (_, i) => ({ cursor: `${i}`, job: testJob({ id: `${i}` }) }));
        return { edges: jobs, hasNextPage: false, endCursor: null };
      },
      cancel: () => {
        throw new GatewayError('there is no such job', { code: 'NOT_FOUND' });
      },
    },
  });
}

/** Keeps what is counted of operations. */
function recorder() {
  const seen: unknown[] = [];
  const observer: OperationObserver = {
    onRefused: ({ operation, type }, code) => void seen.push(['refused', operation, type, code]),
    onStarted: ({ operation, type }) => ({
      run: (work) => work(),
      onSettled: (code) => void seen.push([operation, type, code]),
      onAccepted: () => ({ onSent: () => undefined, onEnded: () => undefined }),
    }),
  };
  return { observer, seen };
}

/** Sends to a server of each way; answers what of it differs. */
async function startBoth(options: Partial<Parameters<typeof startTestServer>[0]> = {}) {
  const services = await fatefulServices();
  const agent = new Agent({ keepAlive: true });
  onTestFinished(() => agent.destroy());

  async function start(onlyYoga: boolean) {
    const { observer, seen } = recorder();
    const { server, lines } = await startTestServer({ services, persisted, observer, ...options, onlyYoga });
    return async ({ method = 'POST', path = '/graphql', headers = {}, body = '' }: Sent) => {
      seen.length = 0;
      lines.length = 0;
      const type = { 'content-type': 'application/json' };
      const all = { ...type, 'content-length': String(Buffer.byteLength(body)), 'x-request-id': 'one', ...headers };
      const outgoing = request({ host: '127.0.0.1', port: server.port, agent, method, path, headers: all });
      outgoing.end(body);
      const [response] = await once(outgoing, 'response');
      const { date: _date, 'x-request-id': id, ...others } = response.headers;
      const answered = { ...others, 'x-request-id': id === all['x-request-id'] ? id : 'a new one' };
      const text = (await buffer(response)).toString('latin1');
      const logged = lines.map(({ msg, level }) => ({ msg, level }));
      return { status: response.statusCode, headers: answered, text, seen: [...seen], logged };
    };
  }
  const [short, yoga] = await Promise.all([start(false), start(true)]);
  return async (sent: Sent) => {
    const [ours, its] = [await short(sent), await yoga(sent)];
    expect({ sent, ...ours }).toEqual({ sent, ...its });
    return ours;
  };
}

const GENERATE = `mutation ($key: String!) {
  generate(input: { idempotencyKey: $key, workflow: { textToImage: { prompt: "a" } } }) { job { id tags } replayed } }`;
const generate = (key: string) => ({ query: GENERATE, variables: { key } });
const LIST = 'query Page($first: Int) { jobs(first: $first) { nodes { id status parameters } } }';

/** What is asked, as objects that become JSON, and texts as they are. */
const BODIES: unknown[] = [
  { query: '{ __typename }' },
  { query: LISTED, operationName: null, variables: null, extensions: null },
  { query: getIntrospectionQuery() },
  { query: LIST, variables: { first: 1 } },
  { query: LIST, variables: { first: 100 }, operationName: 'Page' },
  ...Object.keys(FATES).map(generate),
  { query: '{ job(id: "absent") { id } }' },
  { query: '{ job(id: "x") { id } again: job(id: "y") { createdAt } }' },
  { query: `mutation { a: cancelJob(id: "x") { id } ${GENERATE.slice(GENERATE.indexOf('generate'), -1)} }` },
  { query: 'mutation { cancelJob(id: "x") { id } }' },
  // Documents that are refused.
  { query: '' },
  { query: '{' },
  { query: '{ "\n }' },
  { query: `{ ${'x'.repeat(500)} }` },
  { query: '{ nothing, workflows }' },
  { query: '{ job { id } }' },
  { query: '{ job(id: 1.5, x: 1) { id } }' },
  { query: `{ ${'a '.repeat(11_000)} }` },
  { query: `{ ${'{a'.repeat(3_000)}` },
  { query: '{ jobs(first: 100000) { nodes { id } } }' },
  { query: LIST, variables: { first: 'x', more: 1 } },
  { query: LIST, variables: { first: 12345678901234567890n.toString() } },
  { query: GENERATE },
  { query: GENERATE, variables: { key: { key: ['x'.repeat(3_000)] } } },
  { query: 'query ($filter: JobFilter) { jobs(filter: $filter) { nodes { id } } }', variables: { filter: { x: 1 } } },
  // Operations.
  { query: 'query A { __typename } query B { workflows { name } }' },
  { query: 'query A { __typename } query B { workflows { name } }', operationName: 'B' },
  { query: 'query A { __typename } query B { workflows { name } }', operationName: 'C' },
  { query: 'query A { __typename }', operationName: '' },
  { query: 'query A { nothing }', operationName: 'C' },
  { query: 'fragment F on Job { id }' },
  { query: 'subscription { jobProgress(id: "absent") { seq } }' },
  { query: 'subscription { nothing }' },
  { query: 'subscription S { jobProgress(id: "absent") { seq } } query Q { __typename }', operationName: 'Q' },
  // Parameters.
  {},
  { query: null },
  { query: 7 },
  { query: ['{ __typename }'] },
  { query: '{ __typename }', variables: [] },
  { query: '{ __typename }', variables: '{}' },
  { query: '{ __typename }', extensions: [] },
  { query: '{ __typename }', extensions: 'x' },
  { query: '{ __typename }', extensions: { persistedQuery: null, http: { status: 418 } } },
  { query: '{ __typename }', operationName: 7 },
  { query: '{ __typename }', operationName: {} },
  { query: '{ __typename }', id: 1 },
  { query: '{ __typename }', id: null },
  { query: '{ __typename }', constructor: 1, toString: null },
  '{"query":"{ __typename }","__proto__":{"x":1}}',
  '{"query":"{ nothing }","query":"{ __typename }"}',
  '{"query":"{ __typename }","variables":{"a":1},"variables":[]}',
  // Documents by their hash.
  { extensions: { persistedQuery: { version: 1, sha256Hash: HASH } } },
  { extensions: { persistedQuery: { version: 1, sha256Hash: 'a'.repeat(64) } } },
  { query: LISTED, extensions: { persistedQuery: { version: 1, sha256Hash: 'a'.repeat(64) } } },
  { extensions: { persistedQuery: 7 } },
  { documentId: 'names' },
  { documentId: `sha256:${HASH}` },
  { documentId: 'absent' },
  { documentId: 'absent', query: '{ __typename }' },
  { documentId: 7, query: '{ __typename }' },
  // What is no such JSON.
  '',
  ' ',
  'null',
  '7',
  '"{ __typename }"',
  '[]',
  '[{"query":"{ __typename }"}]',
  '{"query":"{ __typename }"',
  '\ufeff{"query":"{ __typename }"}',
  '{"query":"{ __typename }"} ',
  `{"query":"{ __typename }","variables":${'['.repeat(101)}${']'.repeat(101)}}`,
  `{"query":"{ __typename }","variables":{"a":"${'x'.repeat(99_000)}"}}`,
  `{"query":"{ __typename }","variables":{"a":"${'x'.repeat(110_000)}"}}`,
  Buffer.from([0x7b, 0xff, 0x7d]),
];

const ACCEPTED = [
  'application/json',
  'application/graphql-response+json',
  'application/graphql-response+json, application/json;q=0.9',
  'application/json;q=0.5, application/graphql-response+json',
  '*/*',
  'application/*;q=0.1',
  'APPLICATION/JSON ; charset=UTF-8',
  'application/json; charset=latin1',
  'application/json;q=0',
  'text/event-stream',
  'text/event-stream, application/json',
  'application/json, text/event-stream',
  'multipart/mixed',
  'multipart/mixed;deferSpec=20220824, application/json',
  'text/html',
  'nonsense',
  '',
  `${'text/plain, '.repeat(200)}application/json`,
];

const OTHER_HEADERS: Sent[] = [
  ...[
    'application/json; charset=utf-8',
    'Application/JSON;charset="UTF-8"',
    'application/json; charset=utf-16',
    'application/json; x=1',
    'application/json, text/plain',
    'application/graphql+json',
    'application/graphql',
    'text/plain',
    'multipart/form-data; boundary=x',
    'application/x-www-form-urlencoded',
    '',
  ].map((type) => ({ headers: { 'content-type': type } })),
  ...['gzip', 'identity', 'gzip;q=0', 'br, *;q=0.1', ''].map((each) => ({ headers: { 'accept-encoding': each } })),
  ...['gzip', 'identity', 'x'].map((each) => ({ headers: { 'content-encoding': each } })),
  ...['https://app.test', 'https://evil.test', 'null'].map((origin) => ({ headers: { origin } })),
  ...['a.b-c', 'with space', 'x'.repeat(65)].map((id) => ({ headers: { 'x-request-id': id } })),
  ...['end', '7', 'x'].map((id) => ({ headers: { 'last-event-id': id, accept: 'text/event-stream' } })),
  { headers: { 'last-event-id': 'end' } },
  { headers: { upgrade: 'h2c', connection: 'upgrade' } },
  { headers: { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' } },
  { headers: { connection: 'close' } },
  { headers: { host: 'evil.test' } },
  ...['GET', 'PUT', 'DELETE', 'OPTIONS', 'HEAD'].map((method) => ({ method })),
  ...['/graphql?', '/graphql?query={nothing}', '/graphql?a=%zz&operationName=B'].map((path) => ({ path })),
];

const write = (body: unknown) => (typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body));
const HEADED = [
  { query: '{ __typename }' },
  { query: '{ nothing }' },
  { query: LIST, variables: { first: 100 } },
  generate('counted'),
  generate('limited'),
];

describe('a request is answered the same as by Yoga', () => {
  test('whatever it asks, by whatever type of answer', async () => {
    const ask = await startBoth();
    const statuses = new Set<number | undefined>();
    for (const body of BODIES) {
      for (const accept of ACCEPTED.slice(0, 2)) {
        statuses.add((await ask({ headers: { accept }, body: write(body) })).status);
      }
    }
    expect(statuses).toEqual(new Set([200, 400, 401, 413, 429, 503]));
  }, 60_000);

  test('whatever types it takes, and whatever headers it has', async () => {
    const ask = await startBoth({ allowedOrigins: ['https://app.test'] });
    for (const body of HEADED.map(write)) {
      for (const accept of ACCEPTED) await ask({ headers: { accept }, body });
      for (const { headers, ...sent } of OTHER_HEADERS) {
        await ask({ ...sent, headers: { 'accept-encoding': 'gzip', ...headers }, body });
      }
    }
  }, 60_000);

  test('whoever sends it, and where only listed documents are executed', async () => {
    const reader = testIdentity('reader', { scopes: new Set(['job:read']) });
    const { authenticator } = testCallers({ key: testIdentity('ada'), reader });
    const ask = await startBoth({ authenticator, introspection: false, persisted: { ...persisted, only: true } });
    const keys = ['Bearer key', 'Bearer reader', 'bearer  key', 'Bearer wrong', 'Basic key', ''];
    for (const authorization of [...keys, ['Bearer key', 'Bearer reader']]) {
      for (const body of [...HEADED, { documentId: 'names' }]) {
        await ask({ headers: { authorization }, body: write(body) });
      }
    }
    await ask({ body: write(HEADED[0]) });
    await ask({ path: '/graphql?key=cg_aaaaaaaaaaaa_aaaaaaaaaaaaaaaaaaaaaaaa', body: write(HEADED[0]) });
  }, 60_000);

  test('at random', async () => {
    const ask = await startBoth();
    const bodies = fc.oneof(
      fc.constantFrom(...BODIES),
      fc.constantFrom(...BODIES.filter((body) => typeof body === 'object')).chain(mutatedJson),
      fc.record({ query: mutatedDocument, variables: fc.jsonValue(), operationName: fc.constantFrom(null, 'A', '') }),
    );
    const sent = fc.record({
      headers: fc.record({
        accept: fc.constantFrom(...ACCEPTED.slice(0, 8)),
        'accept-encoding': fc.constantFrom('gzip', 'identity'),
        'content-type': fc.constantFrom('application/json', 'application/json; charset=utf-8'),
      }),
      body: bodies.map((body) => write(body) ?? ''),
    });
    const property = fc.asyncProperty(sent, async (each) => void (await ask(each)));
    await fc.assert(property, { seed: fuzzSeed('one answer'), numRuns: 200 });
  }, 60_000);
});
