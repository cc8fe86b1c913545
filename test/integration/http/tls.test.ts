import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect } from 'node:tls';
import { createClient } from 'graphql-ws';
import { expect, onTestFinished, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { startTestServer } from '../../support/http-server.ts';

const fixture = (name: string) => readFileSync(join(import.meta.dirname, '../../fixtures/tls', `${name}.pem`), 'utf8');
const pair = (name: string) => ({ cert: fixture(`${name}-cert`), key: fixture(`${name}-key`) });
const [first, second] = [pair('first'), pair('second')];

async function ask(url: string, ca: string) {
  const req = request(url, { ca, method: 'POST', agent: false, headers: { 'content-type': 'application/json' } });
  req.end(JSON.stringify({ query: '{ __typename }' }));
  const [res] = await once(req, 'response');
  return { status: res.statusCode, headers: res.headers, body: JSON.parse(await text(res)) };
}

test('with a certificate it is https: queries and sockets over TLS, by HTTP/1.1', async () => {
  const { server, graphql, socketUrl } = await startTestServer({ certificate: first });
  expect(server.url).toMatch(/^https:/);
  expect(await ask(graphql, first.cert)).toMatchObject({ status: 200, body: { data: { __typename: 'Query' } } });
  class Socket extends WebSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols, { ca: first.cert });
    }
  }
  const socket = createClient({ url: socketUrl, webSocketImpl: Socket });
  onTestFinished(() => void socket.dispose());
  const { value } = await socket.iterate({ query: '{ __typename }' }).next();
  expect(value).toEqual({ data: { __typename: 'Query' } });
  const tls = connect({ host: '127.0.0.1', port: server.port, ca: first.cert, ALPNProtocols: ['h2', 'http/1.1'] });
  onTestFinished(() => void tls.destroy());
  await once(tls, 'secureConnect');
  expect(tls.alpnProtocol).toBe('http/1.1');
});

test('a renewed certificate is shown to whoever connects from then on', async () => {
  const { server, graphql } = await startTestServer({ certificate: first });
  await ask(graphql, first.cert);
  server.useCertificate(second);
  await ask(graphql, second.cert);
  await expect(ask(graphql, first.cert)).rejects.toThrow();
});

test('versions of TLS before 1.2 are refused', async () => {
  const { server } = await startTestServer({ certificate: first });
  const old = connect({ host: '127.0.0.1', port: server.port, ca: first.cert, maxVersion: 'TLSv1.1', ciphers: 'ALL' });
  const [error] = await once(old, 'error');
  expect(String(error)).toMatch(/protocol|version/i);
});

test('connections count from before their handshake: one too many is cut, one that ends makes room', async () => {
  const { server, graphql } = await startTestServer({ certificate: first, maxConnections: 2 });
  const silent = connectTcp(server.port, '127.0.0.1');
  onTestFinished(() => void silent.destroy());
  await once(silent, 'connect');
  await vi.waitFor(() => expect(ask(graphql, first.cert)).rejects.toThrow(), 20_000);
  silent.destroy();
  await vi.waitFor(async () => expect((await ask(graphql, first.cert)).status).toBe(200), 20_000);
  // Each of them gives back its place.
  for (let i = 0; i < 5; i++) {
    await vi.waitFor(async () => expect((await ask(graphql, first.cert)).status).toBe(200), 20_000);
  }
});

test('a client that never shakes hands is cut after the time for headers', async () => {
  const { server } = await startTestServer({ certificate: first, timeouts: { headersMs: 200 } });
  const silent = connectTcp(server.port, '127.0.0.1');
  await once(silent, 'connect');
  await once(silent, 'close');
  expect(silent.destroyed).toBe(true);
});
