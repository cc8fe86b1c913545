import { once } from 'node:events';
import { afterEach, expect, test, vi } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import type { PromptMessage } from '../../../worker/comfyui/messages.ts';
import { type ComfySocket, openComfySocket } from '../../../worker/comfyui/socket.ts';
import { silent } from '../../support/gateway-store.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const status = JSON.stringify({ type: 'status', data: { status: { exec_info: { queue_remaining: 0 } }, sid: 'x' } });
const success = (prompt_id: string) => JSON.stringify({ type: 'execution_success', data: { prompt_id } });
const never = new AbortController().signal;

/** A server with ComfyUI's defect: when an older connection of an id closes, the newest one is forgotten with it. */
async function startServer({ greet = true } = {}) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  closers.push(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  const connections: { url: string; socket: WebSocket; first: Promise<string> }[] = [];
  let registered: WebSocket | undefined;
  server.on('connection', (socket, { url = '' }) => {
    const first = once(socket, 'message').then(([data]) => String(data));
    connections.push({ url, socket, first });
    registered = socket;
    socket.on('close', () => {
      registered = undefined;
    });
    if (greet) socket.send(status);
  });
  await once(server, 'listening');
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`,
    connections,
    tell: (text: string | Buffer) => registered?.send(text),
    deafen() {
      registered = undefined;
    },
  };
}

function open(url: string, pingMs?: number): ComfySocket {
  const socket = openComfySocket({ url, clientId: 'me', log: silent, random: () => 0, ...(pingMs ? { pingMs } : {}) });
  closers.push(() => socket.close());
  return socket;
}

test('names the client, sends its flags first, and is open once it was greeted', async () => {
  const server = await startServer();
  const socket = open(`${server.url}/base/`);
  await socket.opened(5_000, never);
  expect(socket.open).toBe(true);
  expect(server.connections[0]?.url).toBe('/base/ws?clientId=me');
  expect(JSON.parse((await server.connections[0]?.first) ?? '')).toEqual({
    type: 'feature_flags',
    data: { supports_preview_metadata: true },
  });
});

test('tells each listener of its own prompt, and survives what is not for it', async () => {
  const server = await startServer();
  const socket = open(server.url);
  await socket.opened(5_000, never);
  const heard: PromptMessage[] = [];
  const listening = socket.listen('mine', (message) => heard.push(message));
  for (const text of [Buffer.from([0, 0, 0, 1, 9, 9]), 'not json', '[]', success('other'), success('mine')])
    server.tell(text);
  await vi.waitFor(() => expect(heard).toHaveLength(1));
  listening[Symbol.dispose]();
  server.tell(success('mine'));
  const last = new Promise<void>((resolve) => socket.listen('last', () => resolve()));
  server.tell(success('last'));
  await last;
  expect(heard).toHaveLength(1);
});

test('gives pictures to the prompt that they name, otherwise to the prompt of the last message', async () => {
  const server = await startServer();
  const socket = open(server.url);
  await socket.opened(5_000, never);
  const heard: string[] = [];
  const hear = (name: string) => (message: PromptMessage) => {
    const { data } = message;
    heard.push(
      `${name} ${message.type === 'picture' ? `${data.prompt_id} ${message.data.node} ${message.data.bytes}` : ''}`,
    );
  };
  const progress = (prompt_id: string) =>
    JSON.stringify({ type: 'progress', data: { prompt_id, node: '3', value: 1, max: 4 } });
  const plain = (picture: string) => Buffer.concat([Buffer.from([0, 0, 0, 1, 0, 0, 0, 2]), Buffer.from(picture)]);
  const named = (prompt_id: string, picture: string) => {
    const metadata = JSON.stringify({ prompt_id, node_id: '3' });
    return Buffer.concat([Buffer.from([0, 0, 0, 4, 0, 0, 0, metadata.length]), Buffer.from(metadata + picture)]);
  };
  socket.listen('a', hear('A'));
  socket.listen('b', hear('B'));
  const told = [plain('nobody’s'), progress('a'), status, plain('1'), named('b', '2'), named('other', '3'), plain('4')];
  told.push(named('', '6'));
  for (const each of [...told, progress('other'), plain('5'), Buffer.from([0, 0, 0, 4]), success('b')])
    server.tell(each);
  await vi.waitFor(() => expect(heard.at(-1)).toBe('B '));
  expect(heard).toEqual(['A ', 'A a null 1', 'B b 3 2', 'A a null 4', 'A a 3 6', 'B ']);
});

test('comes back under the same id after its connection was cut', async () => {
  const server = await startServer();
  const socket = open(server.url);
  await socket.opened(5_000, never);
  const heard: PromptMessage[] = [];
  socket.listen('mine', (message) => heard.push(message));
  const again = new Promise<void>((resolve) => socket.onOpen(resolve));
  server.connections[0]?.socket.terminate();
  await again;
  server.tell(success('mine'));
  await vi.waitFor(() => expect(heard).toHaveLength(1));
  expect(server.connections.map(({ url }) => url)).toEqual(['/ws?clientId=me', '/ws?clientId=me']);
});

test('a deaf connection that is suspected is closed first and then made anew, so that it hears again', async () => {
  const server = await startServer();
  const socket = open(server.url);
  await socket.opened(5_000, never);
  server.deafen();
  const again = new Promise<void>((resolve) => socket.onOpen(resolve));
  socket.suspect();
  await again;
  expect(server.connections[0]?.socket.readyState).toBe(3);
  const heard = new Promise<void>((resolve) => socket.listen('mine', () => resolve()));
  server.tell(success('mine'));
  await heard;
});

test('a peer that answers no ping is given up and connected to again', async () => {
  const server = await startServer();
  const socket = open(server.url, 20);
  await socket.opened(5_000, never);
  const again = new Promise<void>((resolve) => socket.onOpen(resolve));
  // Paused: nothing is read, so no pong is sent.
  server.connections[0]?.socket.pause();
  await again;
  expect(server.connections).toHaveLength(2);
});

test('does not wait for a server that never greets', async () => {
  const server = await startServer({ greet: false });
  const socket = open(server.url);
  await socket.opened(50, never);
  expect(socket.open).toBe(false);
});

test('closed, it stays closed', async () => {
  const server = await startServer();
  const socket = open(server.url);
  await socket.opened(5_000, never);
  await socket.close();
  expect(server.connections[0]?.socket.readyState).toBe(3);
  expect(server.connections).toHaveLength(1);
  expect(socket.open).toBe(false);
});

test('B13 a frame that is larger than any picture ends its connection, which is made anew', async () => {
  const server = await startServer();
  const socket = open(server.url);
  await socket.opened(5_000, never);
  const again = new Promise<void>((resolve) => socket.onOpen(resolve));
  server.tell(Buffer.alloc(64 * 2 ** 20 + 1));
  await again;
  expect(server.connections).toHaveLength(2);
});

test.each(['messages', 'pictures'])(
  'B13 %s that are too large, or too many within a second, are dropped and hold up nothing',
  async (each) => {
    const server = await startServer();
    const socket = open(server.url);
    await socket.opened(5_000, never);
    const heard: PromptMessage[] = [];
    socket.listen('mine', (message) => heard.push(message));
    const large = JSON.stringify({
      type: 'executed',
      data: { prompt_id: 'mine', node: '1', text: 'x'.repeat(2 ** 22) },
    });
    server.tell(large);
    const flood = JSON.stringify({ type: 'executed', data: { prompt_id: 'mine', node: '1' } });
    const metadata = JSON.stringify({ prompt_id: 'mine', node_id: '1' });
    const picture = Buffer.concat([Buffer.from([0, 0, 0, 4, 0, 0, 0, metadata.length]), Buffer.from(`${metadata}x`)]);
    const began = performance.now();
    for (let i = 0; i < 20_000; i++) server.tell(each === 'messages' ? flood : picture);
    // A second later it is heard again.
    await vi.waitFor(
      () => {
        server.tell(success('mine'));
        expect(heard.at(-1)?.type).toBe('execution_success');
      },
      { timeout: 10_000, interval: 20 },
    );
    const seconds = Math.ceil((performance.now() - began) / 1_000) + 1;
    expect(heard.length).toBeLessThan(seconds * 8_200);
    expect(socket.open).toBe(true);
  },
);
