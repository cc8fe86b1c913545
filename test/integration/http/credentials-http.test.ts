import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { testServices } from '../../support/graph-services.ts';
import { startTestServer } from '../../support/http-server.ts';
import { testCallers, testIdentity } from '../../support/test-callers.ts';

const KEY = `cg_${'a'.repeat(12)}_${'b'.repeat(32)}_${'c'.repeat(6)}`;
const JSON_TYPE = { 'content-type': 'application/json' };
const QUERY = { query: '{ __typename }' };

async function start(options: Parameters<typeof startTestServer>[0] = {}) {
  const callers = testCallers({
    [KEY]: testIdentity('me'),
    'cgw_watch.token': testIdentity('me', { keyId: 'watch', watch: { jobs: new Set(['job']) } }),
  });
  const server = await startTestServer({ ...callers, ...options });
  return { ...server, callers };
}

const right = { authorization: `Bearer ${KEY}` };

describe('over HTTP', () => {
  test('A41: absent, garbage and revoked keys get the same answer, down to its headers', async () => {
    const { post, callers } = await start();
    callers.add('ended', testIdentity('other'));
    callers.revoke('ended');
    const answers = await Promise.all(
      [{}, { authorization: 'Bearer garbage' }, { authorization: 'Basic YTpi' }, { authorization: 'Bearer ended' }].map(
        async (headers: Record<string, string>) => {
          const answer = await post(QUERY, { ...headers, 'x-request-id': 'same' });
          const { date: _date, ...rest } = Object.fromEntries(answer.headers);
          return [answer.status, rest, await answer.json()];
        },
      ),
    );
    expect(answers[0]).toEqual([
      401,
      expect.objectContaining({ 'www-authenticate': 'Bearer', 'cache-control': 'no-store' }),
      { errors: [{ message: expect.any(String), extensions: { code: 'UNAUTHENTICATED' } }] },
    ]);
    for (const answer of answers) expect(answer).toEqual(answers[0]);
  });

  test('a right one gets its answer, be it known already or looked up', async () => {
    const { post, callers } = await start();
    expect(await (await post(QUERY, right)).json()).toEqual({ data: { __typename: 'Query' } });
    const looked = Promise.withResolvers<void>();
    callers.hold(looked.promise);
    const answer = post(QUERY, right);
    await vi.waitFor(() => expect(callers.asked).toHaveLength(2));
    looked.resolve();
    expect((await answer).status).toBe(200);
    expect(callers.followed()).toBe(0);
  });

  test('resolvers are told whose call it is', async () => {
    const get = vi.fn(async () => null);
    const { post } = await start({ services: await testServices({ jobs: { get } }) });
    await post({ query: '{ job(id: "x") { id } }' }, right);
    expect(get).toHaveBeenCalledWith(expect.objectContaining({ caller: 'me' }), 'x', expect.anything());
  });

  test('Host and Origin come first, then credentials, then the body', async () => {
    const { post, callers, graphql } = await start();
    expect((await post('{', { origin: 'https://evil.test' })).status).toBe(403);
    expect(callers.asked).toEqual([]);
    expect((await post('{')).status).toBe(401);
    expect((await post('{', right)).status).toBe(400);
    expect(
      (await fetch(graphql, { method: 'POST', body: 'x', headers: { 'content-type': 'text/plain' } })).status,
    ).toBe(401);
  });

  test('what is public needs none: health, the preflight and the page', async () => {
    const { server, graphql, callers } = await start({ allowedOrigins: ['https://app.test'] });
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    expect((await fetch(graphql, { headers: { accept: 'text/html' } })).status).toBe(200);
    const preflight = await fetch(graphql, { method: 'OPTIONS', headers: { origin: 'https://app.test' } });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-headers')).toContain('Authorization');
    expect(callers.asked).toEqual([]);
  });

  test('a page of a listed origin can read why it was refused', async () => {
    const { post } = await start({ allowedOrigins: ['https://app.test'] });
    const answer = await post(QUERY, { origin: 'https://app.test' });
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([401, 'https://app.test']);
  });

  test.each([`/graphql?key=${KEY}&query={__typename}`, `/artifacts/x?key=${KEY}`, `/${KEY}`, `//${KEY}`])(
    'A42: a key in the address %s is refused, and in no log',
    async (path) => {
      const { server, lines } = await start();
      const socket = connect(server.port, '127.0.0.1');
      onTestFinished(() => void socket.destroy());
      socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\nConnection: close\r\n\r\n`);
      const answer = String(await once(socket, 'data'));
      expect(answer).toMatch(/^HTTP\/1.1 401 /);
      expect(answer).toContain('Keys and tokens are not taken in an address');
      expect(answer + JSON.stringify(lines)).not.toContain(KEY);
    },
  );

  test('nor is a key in a log that was sent as it should be, or a watch token in the address', async () => {
    const { post, lines, graphql } = await start();
    await post('{', right);
    await post(QUERY, { authorization: `Bearer ${KEY}x` });
    await fetch(`${graphql}?watchToken=cgw_watch.token&variables={`);
    await fetch(`${graphql}?watchToken=cgw_other.token`);
    expect(JSON.stringify(lines)).not.toMatch(/cg_aaa|cgw_/);
  });

  test('two Authorization headers are refused', async () => {
    const { server } = await start();
    const socket = connect(server.port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    const header = `Authorization: Bearer ${KEY}\r\n`;
    socket.write(`GET /graphql?query={x} HTTP/1.1\r\nHost: 127.0.0.1\r\n${header}${header}\r\n`);
    expect(String(await once(socket, 'data'))).toMatch(/^HTTP\/1.1 400 /);
  });

  test('A45: guessing gets 429 with Retry-After, and a right key behind the same address its answer', async () => {
    const { post } = await start();
    const guess = (i: number) => post(QUERY, { authorization: `Bearer guess-${i}` });
    const answers = await Promise.all(Array.from({ length: 30 }, (_, i) => guess(i)));
    expect(answers.map(({ status }) => status).sort()).toEqual([...Array(20).fill(401), ...Array(10).fill(429)]);
    const last = await guess(31);
    expect([last.status, Number(last.headers.get('retry-after'))]).toEqual([429, expect.any(Number)]);
    expect(Number(last.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await post(QUERY, right)).status).toBe(200);
  });

  test('without authentication credentials are ignored, as ever', async () => {
    const { post } = await startTestServer();
    expect((await post(QUERY, { authorization: 'Bearer garbage' })).status).toBe(200);
  });

  test('a client that leaves while its key is looked up leaves nothing behind', async () => {
    const { graphql, callers, lines, services } = await start();
    services.feed.open('job');
    const looked = Promise.withResolvers<void>();
    callers.hold(looked.promise);
    const leaving = new AbortController();
    const answer = fetch(`${graphql}?query={__typename}`, { headers: right, signal: leaving.signal });
    await vi.waitFor(() => expect(callers.asked).toHaveLength(1));
    leaving.abort();
    await expect(answer).rejects.toThrow();
    const watch = new URLSearchParams({ query: 'subscription { jobProgress(id: "job") { seq } }' });
    callers.hold(null);
    const stays = await fetch(`${graphql}?${watch}`, { headers: { accept: 'text/event-stream', ...right } });
    looked.resolve();
    // Those that are left behind would be followed with what has come later.
    const later = await fetch(`${graphql}?${watch}`, { headers: { accept: 'text/event-stream', ...right } });
    await vi.waitFor(() => expect(callers.followed()).toBeGreaterThan(1));
    expect([callers.followed(), lines]).toEqual([2, []]);
    await Promise.all([stays.body?.cancel(), later.body?.cancel()]);
  });
});

describe('a signed request', () => {
  const headerOf = (method: string, path: string, body: string, secret = KEY, nonce = 'n1') => {
    const hash = createHmac('sha256', secret)
      .update([method, path, '1700000000', nonce, body].join('\n'))
      .digest('hex');
    return `Comfygate-HMAC-SHA256 keyId=${KEY},timestamp=1700000000,nonce=${nonce},signature=${hash}`;
  };

  test('is checked over what was sent, to the last byte of its body', async () => {
    const { graphql, callers } = await start();
    const body = JSON.stringify({ query: '{ __typename }', variables: { text: 'é \u{1f600}' } });
    const headers = { ...JSON_TYPE, authorization: headerOf('POST', '/graphql?a=b', body) };
    const answer = await fetch(`${graphql}?a=b`, { method: 'POST', body, headers });
    expect(await answer.json()).toEqual({ data: { __typename: 'Query' } });
    const hash = (await crypto.subtle.digest('SHA-256', Buffer.from(body))) as ArrayBuffer;
    expect(callers.asked).toEqual([
      expect.objectContaining({
        kind: 'signed',
        keyId: KEY,
        text: ['POST', '/graphql?a=b', '1700000000', 'n1', Buffer.from(hash).toString('hex')].join('\n'),
      }),
    ]);
  });

  test('may be a GET, and is refused like any other', async () => {
    const { graphql, callers } = await start();
    const ask = (authorization: string) => fetch(`${graphql}?query={__typename}`, { headers: { authorization } });
    expect((await ask(headerOf('GET', '/graphql?query={__typename}', ''))).status).toBe(200);
    callers.revoke(KEY);
    expect((await ask(headerOf('GET', '/graphql?query={__typename}', ''))).status).toBe(401);
  });

  test('whose body is too large is refused before anybody looks at the signature', async () => {
    const { post, callers } = await start({ maxBodyBytes: 1_000 });
    const answer = await post(
      { query: `{ __typename } #${'x'.repeat(2_000)}` },
      { authorization: headerOf('POST', '', '') },
    );
    expect([answer.status, callers.asked.length]).toEqual([413, 0]);
  });
});
