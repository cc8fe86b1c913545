import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';

/** What a container of the deployment may have, in bytes. */
export const CONTAINER_BYTES = 512 * 1024 * 1024;
/** The environment of a process whose heap is as small as in such a container. */
export const SMALL_HEAP = { NODE_OPTIONS: '--max-old-space-size=384' };

/** The address that floods come from; the tests themselves come from 127.0.0.1. */
export const ATTACKER = '127.0.0.2';

const OPCODES = { text: 0x81, ping: 0x89 };

/** Frames of a client, masked with zeros, which change nothing. */
export function frame(payload: string, kind: keyof typeof OPCODES = 'text'): Buffer {
  const body = Buffer.from(payload);
  if (body.length < 126) return Buffer.concat([Buffer.from([OPCODES[kind], 0x80 | body.length, 0, 0, 0, 0]), body]);
  const head = Buffer.alloc(body.length < 65_536 ? 8 : 14);
  head[0] = OPCODES[kind];
  if (body.length < 65_536) {
    head[1] = 0x80 | 126;
    head.writeUInt16BE(body.length, 2);
  } else {
    head[1] = 0x80 | 127;
    head.writeUIntBE(body.length, 4, 6);
  }
  return Buffer.concat([head, body]);
}

/** A WebSocket without a client behind it: what is written to it and read from it is up to the test. */
export async function openRaw(port: number, from: string): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', localAddress: from });
  socket.on('error', () => undefined);
  socket.write(
    [
      'GET /graphql HTTP/1.1',
      'Host: localhost',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
      'Sec-WebSocket-Protocol: graphql-transport-ws',
      '\r\n',
    ].join('\r\n'),
  );
  await once(socket, 'data');
  socket.write(frame('{"type":"connection_init"}'));
  return socket;
}

/** The same, cut when the test ends. */
export async function rawSocket(port: number, from = ATTACKER): Promise<Socket> {
  const socket = await openRaw(port, from);
  onTestFinished(() => void socket.destroy());
  return socket;
}

/** Writes a frame again and again, as fast as it is taken, until the signal aborts or the other side closes. */
export async function flood(socket: Socket, bytes: Buffer, signal: AbortSignal): Promise<void> {
  const piece = Buffer.concat(Array.from({ length: Math.max(1, Math.floor(65_536 / bytes.length)) }, () => bytes));
  const over = AbortSignal.any([signal, closeOf(socket)]);
  while (!over.aborted) {
    if (!socket.write(piece)) await Promise.race([once(socket, 'drain'), once(over, 'abort')]).catch(() => undefined);
  }
}

function closeOf(socket: Socket): AbortSignal {
  const closed = new AbortController();
  socket.once('close', () => closed.abort());
  if (socket.destroyed) closed.abort();
  return closed.signal;
}

/**
 * A POST whose answer is not read. `head`: its status, or null when the connection broke; `text()` reads the rest after
 * all. `unfinished`: its last byte is not sent.
 */
export function postUnread(port: number, body: object, { from = ATTACKER, accept = '*/*', unfinished = false } = {}) {
  const headers = { 'content-type': 'application/json', accept };
  const outgoing = request({ host: '127.0.0.1', port, localAddress: from, path: '/graphql', method: 'POST', headers });
  outgoing.on('error', () => undefined);
  onTestFinished(() => void outgoing.destroy());
  const sent = JSON.stringify(body);
  if (unfinished) outgoing.write(sent.slice(0, -1));
  else outgoing.end(sent);
  const answer: Promise<IncomingMessage | null> = once(outgoing, 'response').then(
    ([response]) => response.pause(),
    () => null,
  );
  return {
    outgoing,
    head: answer.then((response) => response?.statusCode ?? null),
    async text() {
      const response = await answer;
      return response ? text(response) : '';
    },
  };
}
