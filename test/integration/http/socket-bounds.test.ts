import { once } from 'node:events';
import { createServer } from 'node:http';
import { expect, onTestFinished, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { anonymous } from '../../../src/callers/identity.ts';
import { createEngine } from '../../../src/graphql/engine/engine.ts';
import { createSchema } from '../../../src/graphql/schema.ts';
import { createWebSocketHandler } from '../../../src/http/graphql/websocket.ts';
import { HttpFault } from '../../../src/http/reply.ts';
import { silent } from '../../support/gateway-store.ts';
import { testBounds, testServices } from '../../support/graph-services.ts';
import { startTestServer } from '../../support/http-server.ts';

const MAX_FRAME_BYTES = 256 * 1024;

async function open(url: string) {
  const socket = new WebSocket(url, 'graphql-transport-ws');
  onTestFinished(() => socket.terminate());
  await once(socket, 'open');
  socket.send('{"type":"connection_init"}');
  await once(socket, 'message');
  return socket;
}

test('A55: a frame of 256 KiB is read, one of a byte more closes its socket with 1009', async () => {
  const { socketUrl } = await startTestServer();
  const socket = await open(socketUrl);
  const frame = (bytes: number) => {
    const ping = '{"type":"ping"}';
    return ping + ' '.repeat(bytes - ping.length);
  };
  socket.send(frame(MAX_FRAME_BYTES));
  const [answer] = await once(socket, 'message');
  expect(JSON.parse(String(answer))).toEqual({ type: 'pong' });
  socket.send(frame(MAX_FRAME_BYTES + 1));
  const [code] = await once(socket, 'close');
  expect(code).toBe(1009);
});

test('a gateway that stops takes no more sockets, also by a connection that it has already', async () => {
  const services = await testServices();
  const engine = createEngine({ schema: createSchema(services.catalogue), log: silent });
  const handler = createWebSocketHandler({ ...testBounds(), engine, services, log: silent });
  let refused: unknown;
  const who = { requestId: 'r', identity: anonymous, client: 'a' };
  const server = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  server.on('upgrade', (req, socket, head) => {
    try {
      handler.upgrade(req, socket, head, who);
    } catch (error) {
      refused = error;
      socket.destroy();
    }
  });
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const url = `ws://127.0.0.1:${address.port}`;
  const socket = await open(url);
  const closed = once(socket, 'close');
  const stopped = handler.close(1_000);
  expect((await closed)[0]).toBe(1001);
  await stopped;
  const late = new WebSocket(url, 'graphql-transport-ws');
  await expect(once(late, 'open')).rejects.toThrow();
  expect(refused).toBeInstanceOf(HttpFault);
  expect(refused).toMatchObject({ status: 503, code: 'UNAVAILABLE' });
  expect(handler.sockets()).toBe(0);
});

test('a thousand pings of the protocol between two of ours are answered, and one more cuts the socket', async () => {
  const cuts: string[] = [];
  const onSocketCut = (why: string) => void cuts.push(why);
  const { socketUrl } = await startTestServer({ webSocket: { pingIntervalMs: 600_000 }, onSocketCut });
  const socket = await open(socketUrl);
  let pongs = 0;
  socket.on('pong', () => pongs++);
  for (let i = 0; i < 1_000; i++) socket.ping();
  await vi.waitFor(() => expect(pongs).toBe(1_000), 30_000);
  expect(socket.readyState).toBe(WebSocket.OPEN);
  expect(cuts).toEqual([]);
  socket.ping();
  const [code] = await once(socket, 'close');
  expect(code).toBe(1006);
  expect(cuts).toEqual(['pings']);
});
