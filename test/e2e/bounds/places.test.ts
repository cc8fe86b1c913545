import { once } from 'node:events';
import { type IncomingMessage, request, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { disposals } from '../../support/disposals.ts';
import { ATTACKER, frame, postUnread, rawSocket } from '../../support/flood.ts';
import { startTestServer } from '../../support/http-server.ts';
import { eventually, type Gateway, onlySimulator, openProduct } from '../../support/product.ts';

/** Long before a socket that answers no pings is cut, which makes room, too. */
const SOON_MS = 5_000;

describe('B06 held answers', { timeout: 60_000 }, () => {
  const suite = disposals();
  let gateway: Gateway;
  let id: string;

  beforeAll(async () => {
    const product = await openProduct(suite);
    onlySimulator(product).faults.current.hold = true;
    gateway = await product.both();
    id = (await gateway.generate()).id;
  }, 240_000);

  it('B06 one address has half of the held answers, and the others have the rest', async () => {
    const fields = Array.from({ length: 30 }, (_, i) => `a${i}: job(id: $id, waitSeconds: 60) { id }`);
    const query = `query H($id: ID!) { ${fields.join(' ')} }`;
    for (let i = 0; i < 34; i++) postUnread(gateway.port, { query, variables: { id } });
    const one = { query: 'query H($id: ID!) { job(id: $id, waitSeconds: 60) { id } }', variables: { id } };
    await eventually(async () => (await told(one, gateway.port, ATTACKER)) === 'LIMIT_EXCEEDED', 'half are taken');
    expect(await told({ ...one, query: one.query.replace('60', '1') }, gateway.port, '127.0.0.1')).toBe('answered');
  });
});

/** The code of the first error in the answer to a call from this address. */
async function told(body: object, port: number, from: string): Promise<string> {
  const headers = { 'content-type': 'application/json' };
  const outgoing = request({ host: '127.0.0.1', port, localAddress: from, path: '/graphql', method: 'POST', headers });
  onTestFinished(() => void outgoing.destroy());
  outgoing.on('error', () => undefined);
  outgoing.end(JSON.stringify(body));
  const answered = await Promise.race([once(outgoing, 'response'), once(AbortSignal.timeout(3_000), 'abort')]);
  const [response] = answered;
  if (response instanceof Event) return 'held';
  let text = '';
  for await (const chunk of response) text += chunk;
  return /"code":"(\w+)"/.exec(text)?.[1] ?? 'answered';
}

describe('B06 connections, sockets and subscriptions', () => {
  it('B06 one address has half of the connections, and the others have the rest', async () => {
    const { server } = await startTestServer({ maxConnections: 4 });
    const ask = async (from: string) => {
      const socket = connect({ port: server.port, host: '127.0.0.1', localAddress: from });
      onTestFinished(() => void socket.destroy());
      socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
      const [head] = await once(socket, 'data');
      return { socket, status: String(head).slice(9, 12) };
    };
    const first = await ask(ATTACKER);
    // Kept open by both sides, though nothing is asked any more.
    expect([first.status, (await ask(ATTACKER)).status]).toEqual(['200', '200']);
    const refused = await ask(ATTACKER);
    expect(refused.status).toBe('503');
    await once(refused.socket, 'close');
    expect((await ask('127.0.0.1')).status).toBe('200');
    first.socket.destroy();
    await eventually(async () => (await ask(ATTACKER)).status === '200', 'there is room again');
  });

  it('B06 one address has half of the sockets, and the others have the rest', async () => {
    const { server } = await startTestServer({ webSocket: { maxSockets: 6 } });
    const statusOf = async (from: string) => {
      const socket = connect({ port: server.port, host: '127.0.0.1', localAddress: from });
      onTestFinished(() => void socket.destroy());
      socket.write(
        'GET /graphql HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
          'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n',
      );
      const [head] = await once(socket, 'data');
      return String(head).slice(9, 12);
    };
    const first = await rawSocket(server.port);
    await rawSocket(server.port);
    await rawSocket(server.port);
    expect(await statusOf(ATTACKER)).toBe('503');
    await rawSocket(server.port, '127.0.0.1');
    first.destroy();
    await eventually(async () => (await statusOf(ATTACKER)) === '101', 'there is room again');
  });

  it('B06 one address has half of the subscriptions, over SSE and over sockets alike', async () => {
    const { server, services } = await startTestServer({ maxOpen: 6 });
    services.feed.open('job');
    const query = 'subscription { jobProgress(id: "job") { seq } }';
    const stream = (from: string) => postUnread(server.port, { query }, { from, accept: 'text/event-stream' });
    const first = stream(ATTACKER);
    expect([await first.head, await stream(ATTACKER).head]).toEqual([200, 200]);
    const socket = await rawSocket(server.port);
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
    });
    for (const id of ['1', '2']) socket.write(frame(JSON.stringify({ id, type: 'subscribe', payload: { query } })));
    await eventually(() => text.includes('LIMIT_EXCEEDED'), 'the fourth is refused');
    expect(services.feed.stats().watchers).toBe(3);
    expect(await stream(ATTACKER).head).toBe(429);
    expect(await stream('127.0.0.1').head).toBe(200);
    await eventually(() => services.feed.stats().watchers === 4, 'what was refused is not watched', SOON_MS);
    first.outgoing.destroy();
    await eventually(async () => (await stream(ATTACKER).head) === 200, 'there is room again', SOON_MS);
    socket.write(frame('{"id":"1","type":"complete"}'));
    await eventually(async () => (await stream(ATTACKER).head) === 200, 'and once more', SOON_MS);
  });

  it('B06 one address has half of the files that are sent at a time, and the others have the rest', async () => {
    const sending: ServerResponse[] = [];
    const serve = async (_req: IncomingMessage, res: ServerResponse) => {
      sending.push(res.writeHead(200));
      res.flushHeaders();
      return true;
    };
    const { server } = await startTestServer({ maxDownloads: 4, artifacts: { path: '/artifacts/', serve } });
    const get = async (localAddress: string) => {
      const outgoing = request({ host: '127.0.0.1', port: server.port, path: '/artifacts/a', localAddress });
      onTestFinished(() => void outgoing.destroy());
      const [response] = await once(outgoing.end(), 'response');
      return response.resume().statusCode;
    };
    expect([await get(ATTACKER), await get(ATTACKER), await get(ATTACKER)]).toEqual([200, 200, 429]);
    expect(await get('127.0.0.1')).toBe(200);
    sending[0]?.end();
    await eventually(async () => (await get(ATTACKER)) === 200, 'there is room again');
  });

  it('B06 a client that leaves while its subscription is being set up takes no place', async () => {
    const { server, services } = await startTestServer({ maxOpen: 2 });
    services.feed.open('job');
    const { watch } = services.feed;
    const ready = Promise.withResolvers<void>();
    const asked = vi.spyOn(services.feed, 'watch').mockImplementation(async (request) => {
      await ready.promise;
      return watch(request);
    });
    const query = 'subscription { jobProgress(id: "job") { seq } }';
    const stream = () => postUnread(server.port, { query }, { accept: 'text/event-stream' });
    const leaving = stream();
    await eventually(() => asked.mock.calls.length === 1, 'it is being set up');
    leaving.outgoing.destroy();
    expect(await leaving.head).toBeNull();
    const staying = stream();
    await eventually(() => asked.mock.calls.length === 2, 'the server has seen the first one leave');
    ready.resolve();
    expect(await staying.head).toBe(200);
  });

  it('B06 what waits behind another request is given back with its connection, however that ends', async () => {
    const { server, services } = await startTestServer({ maxOpen: 20 });
    services.feed.open('job');
    const query = encodeURIComponent('subscription { jobProgress(id: "job") { seq } }');
    const stream = `GET /graphql?query=${query} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n`;
    for (const last of [
      '',
      'CONNECT localhost:1 HTTP/1.1\r\nHost: localhost\r\n\r\n',
      'GET /graphql HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n',
    ]) {
      const socket = connect(server.port, '127.0.0.1');
      onTestFinished(() => void socket.destroy());
      socket.on('error', () => undefined).write(stream.repeat(3));
      await eventually(() => services.feed.stats().watchers === 3, 'all three are watched');
      socket.end(last);
      socket.resume();
      if (!last.startsWith('CONNECT')) socket.destroySoon();
      await eventually(() => services.feed.stats().watchers === 0, `none is watched any more: ${last.slice(0, 7)}`);
    }
  });

  it('B06 a connection is ended that brings more requests than its address may have unanswered', async () => {
    const { server, services } = await startTestServer({ maxConnections: 8 });
    services.feed.open('job');
    const query = encodeURIComponent('subscription { jobProgress(id: "job") { seq } }');
    const stream = `GET /graphql?query=${query} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n`;
    const open = (requests: number, from: string) => {
      const socket = connect({ port: server.port, host: '127.0.0.1', localAddress: from });
      onTestFinished(() => void socket.destroy());
      socket.on('error', () => undefined).write(stream.repeat(requests));
      return socket.resume();
    };
    const first = open(4, ATTACKER);
    await eventually(() => services.feed.stats().watchers === 4, 'half of them are its own');
    await once(open(1, ATTACKER), 'close');
    open(2, '127.0.0.1');
    await eventually(() => services.feed.stats().watchers === 6, 'others have the rest');
    first.destroy();
    await eventually(() => services.feed.stats().watchers === 2, 'the first has left');
    open(3, ATTACKER);
    await eventually(() => services.feed.stats().watchers === 5, 'there is room again');
  });

  it('B06 a client whose upgrade is refused, and that stays, is gone all the same', async () => {
    const { server } = await startTestServer();
    const socket = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true });
    onTestFinished(() => void socket.destroy());
    socket.on('error', () => undefined);
    socket.write('GET /elsewhere HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    const [head] = await once(socket, 'data');
    expect(String(head).slice(9, 12)).toBe('404');
    // It waits for connections that are open.
    let closed = false;
    void server.close(100).then(() => {
      closed = true;
    });
    await eventually(() => closed, 'the server has stopped', 3_000);
  });
});
