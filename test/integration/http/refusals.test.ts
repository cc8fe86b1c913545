import { once } from 'node:events';
import { request, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { unavailable } from '../../../src/core/errors.ts';
import { createOperationMetrics } from '../../../src/observability/operation-metrics.ts';
import { createProcessMetrics } from '../../../src/observability/process-metrics.ts';
import { parseFigures } from '../../support/figures.ts';
import { testServices } from '../../support/graph-services.ts';
import { startTestServer } from '../../support/http-server.ts';
import { timed } from '../../support/stopwatch.ts';

interface Sent {
  method?: string;
  path?: string;
  headers?: { [name: string]: string };
  body?: string | Buffer[];
}

/** By node:http, which lets a test choose every header. */
async function send(port: number, { method = 'POST', path = '/graphql', headers = {}, body = '' }: Sent) {
  const outgoing = request({
    host: '127.0.0.1',
    port,
    method,
    path,
    headers: { 'content-type': 'application/json', ...headers },
  });
  const chunks = typeof body === 'string' ? [body] : body;
  for (const chunk of chunks) outgoing.write(chunk);
  outgoing.end();
  const [response] = await once(outgoing, 'response');
  return { status: response.statusCode, headers: response.headers, body: await text(response) };
}

const typename = JSON.stringify({ query: '{ __typename }' });

describe('documents', () => {
  test.each([
    ['A01: malformed JSON', '{"query":', 400],
    ['A02: a null body', 'null', 400],
    ['A02: a string', '"x"', 400],
    ['A03: a batch', `[${typename}]`, 400],
    ['an empty object', '{}', 400],
    [
      'A05: 200,000 levels of variables',
      `{"query":"{__typename}","variables":{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}}`,
      400,
    ],
    ['A06: a token bomb', JSON.stringify({ query: `{ ${'a '.repeat(30_000)}}` }), 400],
    ['A07: a depth bomb', JSON.stringify({ query: '{a'.repeat(16) + '}'.repeat(16) }), 400],
    ['A08: circular fragments', JSON.stringify({ query: '{ ...A } fragment A on Query { ...A }' }), 400],
    [
      'A17: two operations and no name',
      JSON.stringify({ query: 'query A { __typename } query B { __typename }' }),
      400,
    ],
  ])('%s', async (_name, body, status) => {
    const { server, lines } = await startTestServer({ maxBodyBytes: 1_000_000 });
    const headers = { accept: 'application/graphql-response+json' };
    const { answer, ms } = await timed(send(server.port, { body, headers }));
    expect(answer.status).toBe(status);
    expect(ms).toBeLessThan(1_000);
    expect(JSON.parse(answer.body)).toEqual({
      errors: [expect.objectContaining({ extensions: expect.objectContaining({ code: expect.any(String) }) })],
    });
    expect(lines).toEqual([]);
  });

  test('A04: a body that is too large, announced or not, is 413', async () => {
    const { server } = await startTestServer({ maxBodyBytes: 1_000 });
    const large = JSON.stringify({ query: `{ __typename } # ${'x'.repeat(2_000)}` });
    expect((await send(server.port, { body: large, headers: { 'content-length': String(large.length) } })).status).toBe(
      413,
    );
    const chunked = await send(server.port, {
      body: [Buffer.from(large.slice(0, 900)), Buffer.from(large.slice(900))],
    });
    expect(chunked.status).toBe(413);
    expect(JSON.parse(chunked.body).errors[0].extensions.code).toBe('LIMIT_EXCEEDED');
    expect((await send(server.port, { body: typename })).status).toBe(200);
  });

  test('A09: two hundred aliased mutations are refused before any runs', async () => {
    const { post } = await startTestServer();
    const fields = Array.from({ length: 200 }, (_, i) => `d${i}: deleteJob(id: "${i}")`);
    const answer = await post({ query: `mutation { ${fields.join(' ')} }` });
    expect((await answer.json()).errors[0].extensions.code).toBe('LIMIT_EXCEEDED');
  });

  test('A13: a mutation by GET is 405 and does not run', async () => {
    const { graphql } = await startTestServer();
    const answer = await fetch(`${graphql}?${new URLSearchParams({ query: 'mutation { deleteJob(id: "x") }' })}`);
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe('POST');
  });

  test('a query by GET is answered, and one with variables that are no JSON is 400', async () => {
    const { graphql } = await startTestServer();
    const query = 'query Q($n: String!) { workflow(name: $n) { name } }';
    const ask = (variables: string) => fetch(`${graphql}?${new URLSearchParams({ query, variables })}`);
    expect(await (await ask('{"n":"textToImage"}')).json()).toEqual({ data: { workflow: { name: 'textToImage' } } });
    expect((await ask('{"n":')).status).toBe(400);
  });

  test.each([
    ['A14: a form', 'application/x-www-form-urlencoded'],
    ['A14: plain text', 'text/plain'],
    ['A15: multipart', 'multipart/form-data; boundary=x'],
    ['A16: XML', 'application/xml'],
    ['GraphQL as such', 'application/graphql'],
    ['another charset', 'application/json; charset=latin1'],
  ])('%s is 415', async (_name, type) => {
    const { server } = await startTestServer();
    expect((await send(server.port, { headers: { 'content-type': type }, body: typename })).status).toBe(415);
  });

  test('a body that is not UTF-8 is 400, not read with other characters', async () => {
    const { server } = await startTestServer();
    const body = [Buffer.from('{"query":"{__typename}","variables":{"a":"'), Buffer.from([0xff]), Buffer.from('"}}')];
    const answer = await send(server.port, { body });
    expect(answer).toMatchObject({ status: 400, body: expect.stringContaining('UTF-8') });
  });

  test('A16: a media type counts in any case', async () => {
    const { server } = await startTestServer();
    const headers = { 'content-type': 'Application/JSON; Charset=UTF-8' };
    expect((await send(server.port, { headers, body: typename })).status).toBe(200);
  });

  test('A16: what a client would not take the answer of is 406, says what can be had, and does not run', async () => {
    const process = createProcessMetrics({ role: 'gateway', version: '1' });
    const observer = createOperationMetrics(process, ['jobProgress'], Date.now);
    const { post, services, lines } = await startTestServer({ observer });
    // The use cases of this test fail when they are called.
    const mutation = await post({ query: 'mutation { deleteJob(id: "x") }' }, { accept: 'image/png' });
    expect(mutation.status).toBe(406);
    expect((await mutation.json()).errors[0].message).toContain('application/json');
    expect(lines).toEqual([]);

    services.feed.open('job');
    const query = 'subscription { jobProgress(id: "job") { seq } }';
    for (const accept of ['application/json', 'multipart/mixed']) {
      const subscription = await post({ query }, { accept });
      expect(subscription.status).toBe(406);
      expect((await subscription.json()).errors[0].message).toContain('text/event-stream');
    }
    await vi.waitFor(() => expect(services.feed.stats().watchers).toBe(0));
    const figures = parseFigures(await process.text());
    expect(figures.value('comfygate_subscriptions', { operation: 'jobProgress' })).toBe(0);
  });

  test.each([
    ['*/*', 'application/json'],
    ['', 'application/json'],
    ['application/json; charset="UTF-8"', 'application/json'],
    ['application/json;odata=verbose', 'application/json'],
    ['*/*;q=0.8;v=b3', 'application/json'],
    ['text/html, application/*;q=0.8', 'application/json'],
    ['application/json;q=0.5, application/graphql-response+json', 'application/graphql-response+json'],
    ['application/json;q=0', null],
    ['application/json; charset=latin1', null],
    ['text/html, image/*', null],
  ])('A16: a client that takes %j is answered in %j', async (accept, type) => {
    const { post } = await startTestServer();
    const answer = await post({ query: '{ __typename }' }, { accept });
    expect(answer.status).toBe(type === null ? 406 : 200);
    if (type !== null) expect(answer.headers.get('content-type')).toBe(`${type}; charset=utf-8`);
  });

  test('requests are counted by route and status, also those refused before they are operations', async () => {
    const answered: [string, string][] = [];
    const path = '/artifacts/';
    const serve = async (_req: unknown, res: ServerResponse) => {
      res.writeHead(204).end();
      return true;
    };
    const { server, post } = await startTestServer({
      artifacts: { path, serve },
      onAnswered: (route, status, seconds) => {
        expect(seconds).toBeGreaterThan(0);
        answered.push([route, status]);
      },
    });
    await post({ query: '{ __typename }' });
    await post({ query: '{ __typename }' }, { accept: 'image/png' });
    await post('no json');
    await send(server.port, { headers: { 'content-type': 'text/plain' }, body: typename });
    await send(server.port, { method: 'PUT', body: typename });
    await send(server.port, { method: 'GET', path: `${path}a.png?signature=x` });
    await send(server.port, { method: 'PUT', path: `${path}a.png` });
    await send(server.port, { method: 'GET', path: '/healthz' });
    await send(server.port, { method: 'GET', path: '/nothing' });
    const upgrade = { host: 'localhost', upgrade: 'websocket', connection: 'Upgrade', origin: 'https://evil.test' };
    await send(server.port, { method: 'GET', headers: upgrade });
    await vi.waitFor(() => expect(answered).toHaveLength(10));
    const gone = connect(server.port, '127.0.0.1');
    gone.write(
      'POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{',
    );
    await once(gone, 'connect');
    // It has been read by the time that another one is answered.
    await (await post({ query: '{ __typename }' })).text();
    gone.destroy();
    await vi.waitFor(() => expect(answered).toHaveLength(12));
    expect(answered).toEqual([
      ['graphql', '200'],
      ['graphql', '406'],
      ['graphql', '400'],
      ['graphql', '415'],
      ['graphql', '405'],
      ['download', '204'],
      ['upload', '204'],
      ['health', '200'],
      ['other', '404'],
      ['socket', '403'],
      ['graphql', '200'],
      ['graphql', 'none'],
    ]);
  });

  test('other methods are 405', async () => {
    const { server } = await startTestServer();
    const answer = await send(server.port, { method: 'PUT', body: typename });
    expect(answer.status).toBe(405);
    expect(answer.headers.allow).toBe('GET, POST, OPTIONS');
  });

  test('A19: a body that does not come is given up with 408', async () => {
    const { server } = await startTestServer({ timeouts: { headersMs: 200, requestMs: 300 } });
    const socket = connect(server.port, '127.0.0.1');
    socket.write(
      'POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{"qu',
    );
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 408 /);
  });
});

describe('values', () => {
  test('A24, A26: BAD_USER_INPUT is 400, or 200 for clients that expect that of application/json', async () => {
    const { post } = await startTestServer();
    const body = {
      query: 'mutation M($i: GenerateInput!) { generate(input: $i) { replayed } }',
      variables: {
        i: { idempotencyKey: 'k', workflow: { textToImage: { prompt: 'x', seed: 9007199254740992, nope: 1 } } },
      },
    };
    const strict = await post(body, { accept: 'application/graphql-response+json' });
    expect(strict.status).toBe(400);
    const lenient = await post(body, { accept: 'application/json' });
    expect(lenient.status).toBe(200);
    const { errors } = await lenient.json();
    expect(errors).toHaveLength(1);
    expect(errors[0].extensions).toEqual({
      code: 'BAD_USER_INPUT',
      issues: [
        expect.objectContaining({ path: ['input', 'workflow', 'textToImage', 'nope'] }),
        expect.objectContaining({ path: ['input', 'workflow', 'textToImage', 'seed'] }),
      ],
    });
  });

  test('UNAVAILABLE is 503 with Retry-After, unless there is data besides', async () => {
    const services = await testServices({ jobs: { get: () => Promise.reject(unavailable('redis is away', 1.5)) } });
    const { post } = await startTestServer({ services });
    const answer = await post({ query: '{ job(id: "x") { id } }' });
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('2');
    expect(await answer.json()).toEqual({
      data: { job: null },
      errors: [expect.objectContaining({ extensions: { code: 'UNAVAILABLE', retryAfter: 1.5 } })],
    });
    const partly = await post({ query: '{ job(id: "x") { id } workflows { name } }' });
    expect(partly.status).toBe(200);
  });

  test('A18: what was not foreseen is masked, and found in the log by the id in the header', async () => {
    const services = await testServices({ jobs: { get: () => Promise.reject(new Error('secret')) } });
    const { post, lines } = await startTestServer({ services });
    const answer = await post({ query: '{ job(id: "x") { id } }' });
    expect(await answer.text()).not.toContain('secret');
    expect(lines).toEqual([expect.objectContaining({ requestId: answer.headers.get('x-request-id') })]);
  });
});

describe('browsers', () => {
  test('A51: a page of a foreign origin is refused, with no CORS header, also before it asks', async () => {
    const { server, post } = await startTestServer();
    for (const method of ['POST', 'GET', 'OPTIONS']) {
      for (const origin of ['https://evil.test', 'null', `http://localhost.evil.test:${server.port}`]) {
        const answer = await send(server.port, { method, headers: { origin } });
        expect(answer.status, `${method} ${origin}`).toBe(403);
        expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
      }
    }
    const own = await post({ query: '{ __typename }' }, { origin: server.url });
    expect(own.status).toBe(200);
    expect(own.headers.get('access-control-allow-origin')).toBeNull();
  });

  test('pages that were refused are a line that names an origin and the setting', async () => {
    const { server, lines, socketUrl, post } = await startTestServer();
    const origin = 'https://app.test';
    for (let times = 0; times < 5; times += 1) expect((await post(typename, { origin })).status).toBe(403);
    const [error] = await once(new WebSocket(socketUrl, 'graphql-transport-ws', { origin }), 'error');
    expect(String(error)).toContain('403');
    const told = lines.filter((line) => line.origin !== undefined);
    expect(told).toEqual([expect.objectContaining({ origin, msg: expect.stringContaining('ALLOWED_ORIGINS') })]);
    expect(server.sockets()).toBe(0);
  });

  test('a listed origin may call, and only that', async () => {
    const { server, post } = await startTestServer({ allowedOrigins: ['https://app.test'] });
    const preflight = await send(server.port, {
      method: 'OPTIONS',
      headers: { origin: 'https://app.test', 'access-control-request-method': 'POST' },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers['access-control-allow-origin']).toBe('https://app.test');
    expect(preflight.headers['access-control-allow-headers']).toContain('Content-Type');
    expect(preflight.headers['access-control-allow-credentials']).toBe('true');
    const answer = await post({ query: '{ __typename }' }, { origin: 'https://app.test' });
    expect(answer.headers.get('access-control-allow-origin')).toBe('https://app.test');
    expect(answer.headers.get('vary')).toContain('Origin');
    expect((await post({ query: '{ __typename }' }, { origin: 'https://app.test.evil.test' })).status).toBe(403);
  });

  test("a Host that is not the gateway's is refused, on every path but the health endpoints", async () => {
    const { server } = await startTestServer({ publicUrl: 'https://pictures.test' });
    const ask = (host: string, path = '/graphql') => send(server.port, { path, headers: { host }, body: typename });
    for (const host of ['localhost', `127.0.0.1:${server.port}`, '[::1]:4000', 'pictures.test', 'LOCALHOST:1']) {
      expect((await ask(host)).status, host).toBe(200);
    }
    for (const host of [
      'evil.test',
      'localhost.evil.test',
      '127.0.0.1.evil.test',
      '10.0.0.1',
      'user@localhost',
      'localhost/x',
      'xlocalhost',
    ]) {
      expect((await ask(host)).status, host).toBe(421);
    }
    expect((await send(server.port, { method: 'GET', path: '/healthz', headers: { host: 'evil.test' } })).status).toBe(
      200,
    );
    expect(
      (await send(server.port, { method: 'GET', path: '/', headers: { host: 'evil.test', accept: 'text/html' } }))
        .status,
    ).toBe(421);
  });
});

describe('paths and headers', () => {
  test('an address in absolute form is read like any other, and its host counts', async () => {
    const { server } = await startTestServer();
    const path = (host: string) => `http://${host}:${server.port}/graphql`;
    expect((await send(server.port, { path: path('localhost'), body: typename })).status).toBe(200);
    expect((await send(server.port, { path: path('evil.example'), body: typename })).status).toBe(421);
  });

  test('an offer of HTTP/2 is left where it is, and the request answered', async () => {
    const { server } = await startTestServer();
    const headers = {
      connection: 'Upgrade, HTTP2-Settings',
      upgrade: 'h2c',
      'http2-settings': 'AAMAAABkAAQCAAAAAAIAAAAA',
    };
    const answer = await send(server.port, { headers, body: typename });
    expect(answer).toMatchObject({ status: 200, body: '{"data":{"__typename":"Query"}}' });
  });

  test('unknown paths are 404 in JSON', async () => {
    const { server } = await startTestServer();
    const answer = await send(server.port, { method: 'GET', path: '/graphql/../etc/passwd' });
    expect(answer.status).toBe(404);
    expect(JSON.parse(answer.body).errors[0].extensions.code).toBe('NOT_FOUND');
    // Yoga answers what ends like this as a health check of its own.
    expect((await send(server.port, { method: 'GET', path: '/graphql?x=/health' })).body).toContain('query');
  });

  test('a request id is believed only when it is harmless', async () => {
    const { server } = await startTestServer();
    const idOf = async (given: string) =>
      (await send(server.port, { body: typename, headers: { 'x-request-id': given } })).headers['x-request-id'];
    expect(await idOf('Trace-1.a_b')).toBe('Trace-1.a_b');
    for (const given of ['a b', 'x'.repeat(65), '<script>', '', 'a"b']) {
      expect(await idOf(given)).toMatch(/^[0-9a-f-]{36}$/);
    }
  });

  test('what serves artifacts is asked for its paths alone', async () => {
    const asked: (string | undefined)[] = [];
    const { server } = await startTestServer({
      artifacts: {
        path: '/artifacts/',
        async serve(req, res) {
          asked.push(req.url);
          if (req.url === '/artifacts/none') return false;
          res.end('bytes');
          return true;
        },
      },
    });
    expect((await send(server.port, { method: 'GET', path: '/artifacts/a?sig=1' })).body).toBe('bytes');
    expect((await send(server.port, { method: 'GET', path: '/artifacts/none' })).status).toBe(404);
    expect((await send(server.port, { method: 'GET', path: '/other' })).status).toBe(404);
    expect(asked).toEqual(['/artifacts/a?sig=1', '/artifacts/none']);
  });
});
