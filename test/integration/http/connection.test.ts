import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { type ConnectionOptions, createConnection } from '../../../client/src/connection.ts';
import { unavailable } from '../../../src/core/errors.ts';
import { testEvent, testJob, testServices } from '../../support/graph-services.ts';
import { startTestServer } from '../../support/http-server.ts';
import { listen } from '../../support/listen.ts';
import { startTcpProxy } from '../../support/tcp-proxy.ts';
import { testCallers, testIdentity } from '../../support/test-callers.ts';

/** Two hundredths to a tenth of the real ones, but for how long an answer may take on a busy machine. */
const SHORT = { ping: 50, pong: 1_000, connect: 1_000, answer: 1_000, probe: 1_000, firstWait: 10, maxWait: 100 };
const query = 'subscription W($id: ID!) { jobProgress(id: $id) { seq } }';
const { id } = testJob();

afterEach(() => void vi.restoreAllMocks());

/** A page's connection to a gateway through a proxy that can break it, and what it has seen of a job. */
async function openPage(limits: Partial<typeof SHORT> = {}) {
  const services = await testServices();
  services.feed.open(id);
  const { server } = await startTestServer({ services });
  const proxy = await startTcpProxy(Number(new URL(server.url).port));
  onTestFinished(() => proxy.close());
  const url = `http://127.0.0.1:${proxy.port}/graphql`;
  const connection = createConnection(url, { timeouts: { ...SHORT, ...limits } });
  onTestFinished(() => connection.close());
  const seen: number[] = [];
  const ends: unknown[] = [];
  const states: string[] = [];
  connection.onState(() => states.push(connection.state()));
  const leave = connection.socket.subscribe<{ jobProgress: { seq: number } }>(
    { query, variables: { id } },
    {
      next: ({ data, errors }) => seen.push(data?.jobProgress.seq ?? Number(errors?.length) * -1),
      error: (error) => ends.push(error),
      complete: () => ends.push('complete'),
    },
  );
  const watched = (count = 1) => vi.waitFor(() => expect(services.feed.stats().watchers).toBe(count));
  await watched();
  const sees = async (seq: number) => {
    services.feed.say(id, testEvent(seq));
    await vi.waitFor(() => expect(seen).toContain(seq));
  };
  return { url, services, proxy, connection, leave, seen, ends, states, watched, sees };
}

test('a connection whose path has gone silent without being closed is given up, and made anew', async () => {
  const { proxy, connection, states, services, sees, seen, ends } = await openPage();
  await sees(1);
  proxy.strand();
  // The gateway still has the old one.
  await vi.waitFor(() => expect(services.feed.stats().watchers).toBe(2));
  await sees(2);
  expect(states).toEqual(['lost', 'online']);
  expect(connection.state()).toBe('online');
  expect([seen, ends]).toEqual([[1, 2], []]);
});

test('a gateway that takes connections and never answers is tried until it does', async () => {
  const attempts = vi.spyOn(globalThis, 'fetch');
  const { proxy, connection, states, services, sees, ends } = await openPage({ pong: 100, connect: 100, probe: 100 });
  proxy.blackHole(true);
  await vi.waitFor(() => expect(connection.state()).toBe('lost'));
  const called = connection.fetch(`http://127.0.0.1:${proxy.port}/healthz`);
  // Several attempts fall into the hole.
  attempts.mockClear();
  await vi.waitFor(() => expect(attempts.mock.calls.length).toBeGreaterThan(3));
  expect(states).toEqual(['lost']);
  proxy.strand();
  proxy.blackHole(false);
  expect((await called).status).toBe(200);
  await vi.waitFor(() => expect(services.feed.stats().watchers).toBe(2));
  await sees(2);
  expect([connection.state(), ends]).toEqual(['online', []]);
});

test('after an outage of an hour, attempts are no further apart than after one of a few seconds', async () => {
  const { proxy, connection, watched, sees } = await openPage();
  const waits = vi.spyOn(globalThis, 'setTimeout');
  vi.spyOn(Math, 'random').mockReturnValue(1);
  await proxy.refuse();
  const delays = () => waits.mock.calls.map(([, ms = 0]) => ms);
  // As many attempts as an hour has by the real limits would only repeat the last.
  await vi.waitFor(() => expect(delays().filter((ms) => ms === SHORT.maxWait).length).toBeGreaterThan(20));
  expect(Math.max(...delays().filter((ms) => ms < SHORT.pong))).toBe(SHORT.maxWait);
  expect(connection.state()).toBe('lost');
  await proxy.accept();
  await watched();
  await sees(3);
});

test('subscribes again when the gateway says UNAVAILABLE, and says that events may have been missed', async () => {
  const { connection, services, watched, sees, seen, ends } = await openPage();
  await sees(1);
  const resumed = vi.fn();
  connection.onResume(resumed);
  // Long enough that it is seen that nobody watches meanwhile.
  services.feed.fail(id, unavailable('Redis is away.', 1));
  await watched(0);
  await watched(1);
  await sees(2);
  expect([seen, ends]).toEqual([[1, 2], []]);
  await vi.waitFor(() => expect(resumed).toHaveBeenCalled());
  services.feed.end(id);
  await vi.waitFor(() => expect(ends).toEqual(['complete']));
});

test('an error that is not of the connection reaches the page', async () => {
  const { connection } = await openPage();
  const errors: unknown[] = [];
  connection.socket.subscribe(
    { query, variables: { id: 'another' } },
    { next: (result) => errors.push(result.errors?.[0]?.extensions), error: (e) => errors.push(e), complete() {} },
  );
  await vi.waitFor(() => expect(JSON.stringify(errors)).toContain('NOT_FOUND'));
});

test('a call is sent again after an answer that no gateway gave, one in the middle of a restart, or none', async () => {
  const answers = [502, 504, 503, 'none', 200] as const;
  let calls = 0;
  const url = await listen((req, res) => {
    if (req.url?.includes('__typename')) return void res.end();
    const status = answers[calls++] ?? 500;
    if (status !== 'none') res.writeHead(status).end('done');
  });
  const connection = createConnection(url, { timeouts: { ...SHORT, answer: 200 } });
  onTestFinished(() => connection.close());
  const response = await connection.fetch(`${url}/call`, { method: 'POST', body: 'the same' });
  expect([response.status, await response.text(), calls]).toEqual([200, 'done', 5]);
});

test('a call that fails although the gateway can be reached is an error, and one that is given up ends', async () => {
  const url = await listen((req, res) => {
    if (req.url?.includes('__typename')) res.end();
    else res.destroy();
  });
  const connection = createConnection(url, { timeouts: SHORT });
  await expect(connection.fetch(url)).rejects.toThrow();
  const away = createConnection('http://127.0.0.1:11999', { timeouts: SHORT });
  const leaving = new AbortController();
  const called = away.fetch('http://127.0.0.1:11999', { signal: leaving.signal });
  await vi.waitFor(() => expect(away.state()).toBe('lost'));
  leaving.abort();
  await expect(called).rejects.toThrow('abort');
  const closed = away.fetch('http://127.0.0.1:11999');
  await away.close();
  await expect(closed).rejects.toThrow('abort');
});

/** A page of somebody who is logged in. Each token is another, and is said to live for so many milliseconds. */
async function openLoggedIn(timeouts: ConnectionOptions['timeouts'] = {}, lifeMs = 3_600_000) {
  const services = await testServices();
  services.feed.open(id);
  const callers = testCallers();
  const { graphql } = await startTestServer({ services, ...callers });
  const login = { away: false, asked: 0, given: [] as string[] };
  const connection = createConnection(graphql, {
    timeouts: { ...SHORT, ...timeouts },
    async token() {
      login.asked += 1;
      if (login.away) throw new Error('the login is away');
      const token = `token-${login.asked}`;
      login.given.push(token);
      callers.add(token, testIdentity('me', { keyId: token, expiresAt: Date.now() + lifeMs }));
      return token;
    },
  });
  onTestFinished(() => connection.close());
  const states: string[] = [];
  connection.onState(() => states.push(connection.state()));
  const seen: (number | undefined)[] = [];
  const watches = vi.spyOn(services.feed, 'watch');
  const fail = (error: unknown) => expect.fail(JSON.stringify(error));
  /** Begins to watch, until the page sees event 1. */
  async function watch(document: string) {
    connection.socket.subscribe<{ jobProgress: { seq: number } }>(
      { query: document, variables: { id } },
      { next: ({ data }) => seen.push(data?.jobProgress.seq), error: fail, complete() {} },
    );
    await vi.waitFor(() => expect(services.feed.stats().watchers).toBe(1));
    await sees(1);
  }
  async function sees(seq: number) {
    services.feed.say(id, testEvent(seq));
    await vi.waitFor(() => expect(seen).toContain(seq));
  }
  const begunAfter = () => watches.mock.calls.map(([request]) => request.afterSeq);
  return { services, callers, graphql, connection, login, states, seen, watch, sees, begunAfter };
}

const goesOn = 'subscription W($id: ID!, $afterSeq: Int) { jobProgress(id: $id, afterSeq: $afterSeq) { seq } }';

test('a socket gets its next token before the present one ends, as soon as there is one, and stays open', async () => {
  const { watch, sees, login, callers, states, begunAfter } = await openLoggedIn({ renewPause: 10 }, 200);
  await watch(query);
  login.away = true;
  const asked = login.asked + 2;
  await vi.waitFor(() => expect(login.asked).toBeGreaterThanOrEqual(asked));
  login.away = false;
  // One more is asked for when the pong has told how long the one before lives.
  const given = login.given.length + 2;
  await vi.waitFor(() => expect(login.given.length).toBeGreaterThanOrEqual(given));
  for (const token of login.given.slice(0, given - 2)) callers.revoke(token);
  await sees(2);
  expect([states, begunAfter()]).toEqual([[], [null]]);
});

test.each([
  ['behind the last event that it has seen, where its document has $afterSeq', goesOn, 2],
  ['with a SNAPSHOT otherwise', query, null],
])('after its token has ended a page goes on %s, once there is another', async (_how, document, afterSeq) => {
  const { services, watch, sees, login, callers, states, seen, begunAfter } = await openLoggedIn();
  await watch(document);
  await sees(2);
  login.away = true;
  const asked = login.asked + 2;
  callers.revoke(login.given.at(-1) ?? '');
  // A login that is away is no reason to give up.
  await vi.waitFor(() => expect(login.asked).toBeGreaterThanOrEqual(asked));
  expect([states.at(-1), services.feed.stats().watchers]).toEqual(['lost', 0]);
  login.away = false;
  await vi.waitFor(() => expect(services.feed.stats().watchers).toBe(1));
  await sees(3);
  expect([states.at(-1), seen, begunAfter()]).toEqual(['online', [1, 2, 3], [null, afterSeq]]);
});

test('a call brings its token beside its other headers, each a fresh one', async () => {
  const { connection, graphql, login } = await openLoggedIn();
  const call = () =>
    connection.fetch(graphql, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: '{ __typename }' }),
    });
  expect([(await call()).status, (await call()).status]).toEqual([200, 200]);
  expect(login.given).toEqual(['token-1', 'token-2']);
});
