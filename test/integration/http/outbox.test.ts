import { once } from 'node:events';
import { createServer } from 'node:http';
import { expect, onTestFinished, test, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { createOutboxes, type Outbox } from '../../../src/http/graphql/outbox.ts';
import { listen } from '../../../src/http/listen.ts';
import { silent } from '../../support/gateway-store.ts';

const KIB = 1024;

/** Opens sockets whose clients say nothing: what waits for them is what the test says. */
async function openServer() {
  let cuts = 0;
  const outboxes = createOutboxes(silent, () => cuts++);
  const sockets = new WebSocketServer({ noServer: true });
  const server = createServer().on('upgrade', (req, connection, head) =>
    sockets.handleUpgrade(req, connection, head, (socket) => sockets.emit('connection', socket, connection)),
  );
  const { url } = await listen(server, { host: '127.0.0.1', port: 0 });
  onTestFinished(() => void server.close());

  async function open(client: string) {
    const taken = once(sockets, 'connection');
    const dialled = new WebSocket(url);
    dialled.on('error', () => undefined);
    onTestFinished(() => dialled.terminate());
    const [socket, connection] = await taken;
    const outbox: Outbox = outboxes.open(socket, connection, client);
    return { socket, outbox, dialled, isOpen: () => socket.readyState === WebSocket.OPEN };
  }
  async function openMany(client: string, count: number) {
    const opened: Awaited<ReturnType<typeof open>>[] = [];
    while (opened.length < count) opened.push(await open(client));
    return opened;
  }
  return { open, openMany, cuts: () => cuts };
}

test('B01 above a mebibyte nothing more is read from a socket, until half of it is left', async () => {
  const { open } = await openServer();
  const { socket, outbox } = await open('a');
  const [first, second, third] = [400, 400, 400].map((size) => outbox.received(size * KIB));
  expect(socket.isPaused).toBe(true);
  first?.[Symbol.dispose]();
  expect(socket.isPaused).toBe(true);
  second?.[Symbol.dispose]();
  expect(socket.isPaused).toBe(false);
  third?.[Symbol.dispose]();
});

test('B01 answers and pongs count until they are out', async () => {
  const { open } = await openServer();
  const { socket, outbox } = await open('a');
  // Handed to the operating system in a later turn of the event loop.
  const sent = [outbox.send('x'.repeat(600 * KIB)), outbox.send('x'.repeat(600 * KIB))];
  expect(socket.isPaused).toBe(true);
  await Promise.all(sent);
  expect(socket.isPaused).toBe(false);
  for (let i = 0; i < 1_024; i++) outbox.pong(Buffer.alloc(100));
  expect(socket.isPaused).toBe(true);
  await vi.waitFor(() => expect(socket.isPaused).toBe(false));
});

test('a message in parts comes between those in one piece, in their order', async () => {
  const { open } = await openServer();
  const { outbox, dialled } = await open('a');
  const came: string[] = [];
  dialled.on('message', (data) => came.push(String(data)));
  void outbox.send('first');
  void outbox.sendParts('{"id":"é",', Buffer.from('"payload":1'), '}');
  outbox.pong(Buffer.from('p'));
  void outbox.send('last');
  await vi.waitFor(() => expect(came).toEqual(['first', '{"id":"é","payload":1}', 'last']));
});

test('B01 of a message in parts counts what the operating system has not taken, until it has', async () => {
  const { open } = await openServer();
  const { socket, outbox, dialled } = await open('a');
  expect(outbox.sendParts('', Buffer.alloc(100, 'x'), '')).toBeUndefined();
  dialled.pause();
  const sending: (Promise<void> | undefined)[] = [];
  // More than the buffers of both ends hold.
  for (let i = 0; i < 40; i++) sending.push(outbox.sendParts('{', Buffer.alloc(400 * KIB, 'x'), '}'));
  expect(socket.isPaused).toBe(true);
  expect(sending.at(-1)).toBeInstanceOf(Promise);
  dialled.resume();
  await Promise.all(sending);
  expect(socket.isPaused).toBe(false);
  dialled.terminate();
  await once(socket, 'close');
  expect(outbox.sendParts('', Buffer.alloc(1), '')).toBeUndefined();
});

test('B01 what waits for a socket is counted against the client that it turns out to be of', async () => {
  const { open, openMany } = await openServer();
  const honest = await openMany('honest', 6);
  const moved = await openMany('address', 20);
  for (let i = 0; i < 40; i++) moved.push(await open(`address ${i}`));
  for (const { outbox } of [...honest, ...moved]) outbox.received(960 * KIB);
  for (const { outbox } of moved) outbox.moveTo('many');
  for (const { outbox } of await openMany('honest', 5)) outbox.received(960 * KIB);
  expect(honest.every(({ isOpen }) => isOpen())).toBe(true);
  expect(moved.filter(({ isOpen }) => isOpen())).toHaveLength(57);
});

test('B01 where too much waits for all, a socket of the client with the most is cut, and no other', async () => {
  const { open, openMany, cuts } = await openServer();
  const honest = await open('honest');
  honest.outbox.received(1_000 * KIB);
  // The second time as much fits as the first: what waited for sockets that have gone was given back.
  for (let round = 0; round < 2; round++) {
    const many = await openMany('many', 65);
    for (const { outbox } of many) outbox.received(960 * KIB);
    expect(many.filter(({ isOpen }) => isOpen())).toHaveLength(65);
    const more = await openMany('many', 5);
    for (const { outbox } of more) outbox.received(960 * KIB);
    expect([...many, ...more].filter(({ isOpen }) => isOpen())).toHaveLength(67);
    const gone = [...many, ...more].filter(({ isOpen }) => isOpen()).map(({ socket }) => once(socket, 'close'));
    for (const { socket } of [...many, ...more]) socket.terminate();
    await Promise.all(gone);
  }
  expect(honest.isOpen()).toBe(true);
  expect(cuts()).toBe(2 * 3);
});
