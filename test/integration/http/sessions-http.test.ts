import { createClient } from 'graphql-sse';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { testEvent, testJob, testServices } from '../../support/graph-services.ts';
import { startTestServer } from '../../support/http-server.ts';
import { testCallers, testIdentity } from '../../support/test-callers.ts';

const KEY = `cg_${'a'.repeat(12)}_${'b'.repeat(32)}_${'c'.repeat(6)}`;
const QUERY = { query: '{ __typename }' };
const WATCH = 'subscription { jobProgress(id: "job") { seq } }';

async function start(options: Parameters<typeof startTestServer>[0] = {}) {
  const callers = testCallers({
    [KEY]: testIdentity('me'),
    'cgw_watch.token': testIdentity('me', { keyId: 'watch', watch: { jobs: new Set(['job']) } }),
  });
  const server = await startTestServer({ ...callers, ...options });
  return { ...server, callers };
}

const right = { authorization: `Bearer ${KEY}` };

describe('what lasts', () => {
  async function watching(headers: Record<string, string> = right, query = '') {
    const started = await start();
    started.services.feed.open('job');
    const url = `${started.graphql}?query=${encodeURIComponent(WATCH)}${query}`;
    const answer = await fetch(url, { headers: { accept: 'text/event-stream', ...headers } });
    expect(answer.status).toBe(200);
    await vi.waitFor(() => expect(started.callers.followed()).toBe(1));
    return { ...started, answer };
  }

  test('A53: a stream ends with its key: it is told why, and nothing more of the job', async () => {
    const { answer, services, callers, lines } = await watching();
    const chunks: string[] = [];
    const reading = (async () => {
      for await (const chunk of answer.body ?? []) chunks.push(Buffer.from(chunk).toString());
    })();
    services.feed.say('job', testEvent(2));
    await vi.waitFor(() => expect(chunks.join('')).toContain('"seq":2'));
    callers.revoke(KEY);
    services.feed.say('job', testEvent(3));
    await reading;
    const events = chunks
      .join('')
      .split('\n\n')
      .filter((event) => event.includes('event:'));
    expect(events).toHaveLength(3);
    expect(events[1]).toMatch(/^event: next\ndata: \{"errors":\[\{"message":.*"code":"UNAUTHENTICATED"/);
    expect(events[2]).toMatch(/^event: complete/);
    expect([services.feed.stats().watchers, callers.followed(), lines]).toEqual([0, 0, []]);
  });

  test("the same by a watch token in the address, and EventSource's next try is refused", async () => {
    const { answer, services, callers, graphql } = await watching({}, '&watchToken=cgw_watch.token');
    callers.revoke('cgw_watch.token');
    expect(await answer.text()).toContain('UNAUTHENTICATED');
    expect(services.feed.stats().watchers).toBe(0);
    const again = await fetch(`${graphql}?query=${encodeURIComponent(WATCH)}&watchToken=cgw_watch.token`, {
      headers: { accept: 'text/event-stream', 'last-event-id': '2' },
    });
    expect(again.status).toBe(401);
  });

  test('A42: a key does not pass for a watch token', async () => {
    const { graphql, callers } = await start();
    callers.add('cgw_key', testIdentity('me'));
    for (const token of ['plain-token', 'cgw_key']) {
      expect((await fetch(`${graphql}?query={__typename}&watchToken=${token}`)).status).toBe(401);
    }
  });

  test("graphql-sse's client gets a new token after its old one has ended, and goes on", async () => {
    const { graphql, services, callers } = await start();
    services.feed.open('job');
    let token = 'first';
    callers.add('first', testIdentity('me', { keyId: 'first' }));
    const client = createClient({
      url: graphql,
      headers: () => ({ authorization: `Bearer ${token}` }),
      retryAttempts: 0,
    });
    onTestFinished(() => client.dispose());
    const next = async () => {
      const { value } = await client.iterate({ query: WATCH }).next();
      return value;
    };
    const first = next();
    await vi.waitFor(() => expect(services.feed.stats().watchers).toBe(1));
    callers.revoke('first');
    expect(await first).toMatchObject({ errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] });
    token = 'second';
    callers.add('second', testIdentity('me', { keyId: 'second' }));
    const second = next();
    await vi.waitFor(() => expect(services.feed.stats().watchers).toBe(1));
    services.feed.say('job', testEvent(4));
    expect(await second).toEqual({ data: { jobProgress: { seq: 4 } } });
  });

  test('a stream that nobody revokes stays, and one that has ended is followed no more', async () => {
    const { answer, services, callers } = await watching();
    callers.add('another', testIdentity('me', { keyId: 'another' }));
    callers.revoke('another');
    services.feed.say('job', testEvent(2, { type: 'SUCCEEDED', job: testJob({ status: 'SUCCEEDED' }) }));
    services.feed.end('job');
    expect(await answer.text()).toContain('"seq":2');
    await vi.waitFor(() => expect(callers.followed()).toBe(0));
  });

  test('an answer under way is not cut', async () => {
    const read = Promise.withResolvers<null>();
    const get = vi.fn(() => read.promise);
    const { post, callers } = await start({ services: await testServices({ jobs: { get } }) });
    const answer = post({ query: '{ job(id: "x") { id } }' }, right);
    await vi.waitFor(() => expect(get).toHaveBeenCalled());
    callers.revoke(KEY);
    read.resolve(null);
    expect(await (await answer).json()).toEqual({ data: { job: null } });
  });
});

describe('whom a request is counted against', () => {
  const stream = (graphql: string, headers: Record<string, string>) =>
    fetch(`${graphql}?query=${encodeURIComponent(WATCH)}`, { headers: { accept: 'text/event-stream', ...headers } });

  test('callers behind one address do not share a bound, and one caller has one from any address', async () => {
    // Of four places one may have two.
    const { graphql, services, callers } = await start({ maxOpen: 4, trustedProxies: ['127.0.0.1/32'] });
    services.feed.open('job');
    callers.add('other', testIdentity('other'));
    const from = (address: string, token = KEY) => ({ authorization: `Bearer ${token}`, 'x-forwarded-for': address });
    const statuses = [];
    for (const headers of [
      from('198.51.100.1'),
      from('198.51.100.2'),
      from('198.51.100.3'),
      from('198.51.100.3', 'other'),
    ]) {
      const answer = await stream(graphql, headers);
      statuses.push(answer.status);
      onTestFinished(async () => void (await answer.body?.cancel()));
    }
    expect(statuses).toEqual([200, 200, 429, 200]);
  });

  test('A48: an address that nobody trusted has told is not believed', async () => {
    const { post } = await start({ trustedProxies: ['10.0.0.0/8'] });
    const guess = (i: number) =>
      post(QUERY, { authorization: `Bearer guess-${i}`, 'x-forwarded-for': `198.51.100.${i}` });
    const statuses = [];
    for (let i = 0; i < 21; i += 1) statuses.push((await guess(i)).status);
    expect(statuses.at(-1)).toBe(429);
  });

  test("A48: one that a proxy of TRUSTED_PROXIES tells is, and is the audit log's", async () => {
    const retry = vi.fn(async () => ({ job: testJob(), replayed: false }));
    const services = await testServices({ jobs: { retry } });
    const { post } = await start({ services, trustedProxies: ['127.0.0.1/32'] });
    await post(
      { query: 'mutation { retryJob(id: "x", idempotencyKey: "k") { replayed } }' },
      { ...right, 'x-forwarded-for': '1.2.3.4, 198.51.100.7' },
    );
    expect(retry).toHaveBeenCalledWith(
      expect.objectContaining({
        ...{ address: '198.51.100.7', client: 'caller:me' },
        identity: expect.objectContaining({ caller: 'me' }),
      }),
    );
    const statuses = [];
    for (let i = 0; i < 42; i += 1) {
      const headers = { authorization: `Bearer guess-${i}`, 'x-forwarded-for': `198.51.100.${i % 2}` };
      statuses.push((await post(QUERY, headers)).status);
    }
    expect(statuses.filter((status) => status === 429)).toHaveLength(2);
  });
});
