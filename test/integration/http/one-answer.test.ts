import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { badInput, GatewayError, unauthenticated } from '../../../src/core/errors.ts';
import { readListedDocuments } from '../../../src/graphql/engine/listed-documents.ts';
import type { GenerateRequest } from '../../../src/jobs/jobs.ts';
import type { OperationObserver } from '../../../src/observability/operation-observer.ts';
import { mutatedDocument } from '../../support/fuzzed-documents.ts';
import { type TestServices, testJob, testServices } from '../../support/graph-services.ts';
import {
  ACCEPTED,
  BODIES,
  generate,
  HASH,
  LIST,
  LISTED,
  OTHER_HEADERS,
  type Sent,
} from '../../support/graphql-requests.ts';
import { startTestServer } from '../../support/http-server.ts';
import { fuzzSeed, mutatedJson } from '../../support/mutated-json.ts';
import { testCallers, testIdentity } from '../../support/test-callers.ts';

/*
 * Whatever is sent, the short way of one-answer.ts and Yoga alone answer it with the same status, headers and bytes,
 * count the same operations and log the same.
 */

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

const ALL_BODIES = [...BODIES, ...Object.keys(FATES).map(generate)];
const write = (body: unknown) => (typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body));
const HEADED = [
  { query: '{ __typename }' },
  { query: '{ nothing }' },
  { query: LIST, variables: { first: 30 } },
  generate('counted'),
  generate('limited'),
];

describe('a request is answered the same as by Yoga', () => {
  test('whatever it asks, by whatever type of answer', async () => {
    const ask = await startBoth();
    const statuses = new Set<number | undefined>();
    for (const body of ALL_BODIES) {
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
      fc.constantFrom(...ALL_BODIES),
      fc.constantFrom(...ALL_BODIES.filter((body) => typeof body === 'object')).chain(mutatedJson),
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
    await fc.assert(property, { seed: fuzzSeed('one answer'), numRuns: 100 });
  }, 60_000);
});
