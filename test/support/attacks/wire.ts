import { once } from 'node:events';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Client } from './attack.ts';

/** A connection of a hostile client. It is cut when the attack is over. */
export interface Wire {
  /** Resolves when the system has taken the bytes. Rejects when the connection is closed. */
  write(bytes: Buffer | string): Promise<void>;
  /** Reads and throws away what comes, or stops reading. A new wire does not read. */
  read(yes: boolean): void;
  /** Resolves when the connection is closed. */
  closed: Promise<void>;
  /** Calls back with each piece that is read. */
  onData(listener: (chunk: Buffer) => void): void;
}

const CLOSED = 'closed by the gateway';

export async function openWire({ url, from, signal, sent }: Client): Promise<Wire> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), localAddress: from });
  socket.pause();
  const cut = () => socket.destroy();
  signal.addEventListener('abort', cut);
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      signal.removeEventListener('abort', cut);
      resolve();
    });
  });
  const over = closed.then(() => Promise.reject(new Error(CLOSED)));
  over.catch(() => undefined);
  socket.on('error', cut);
  await once(socket, 'connect', { signal });
  return {
    closed,
    async write(bytes) {
      if (socket.destroyed) throw new Error(CLOSED);
      sent(Buffer.byteLength(bytes));
      if (!socket.write(bytes)) await Promise.race([drained(socket), over]);
    },
    read: (yes) => void (yes ? socket.resume() : socket.pause()),
    onData: (listener) => void socket.on('data', listener),
  };
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('drain', () => resolve()));
}

/** A WebSocket that has been acknowledged, written by hand: that costs the attacker little. It does not read. */
export async function openSocket(client: Client): Promise<Wire> {
  const wire = await openWire(client);
  const { host } = new URL(client.url);
  const headers = [
    'GET /graphql HTTP/1.1',
    `Host: ${host}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==',
    'Sec-WebSocket-Protocol: graphql-transport-ws',
  ];
  const acknowledged = Promise.withResolvers<void>();
  let text = '';
  wire.onData((chunk) => {
    if (text.includes('connection_ack')) return;
    text += chunk.toString('latin1');
    if (text.includes('connection_ack')) acknowledged.resolve();
    const [, status] = /^HTTP\/1\.1 (\d+) /.exec(text) ?? [];
    if (status !== undefined && status !== '101') acknowledged.reject(new Error(`refused with ${status}`));
  });
  wire.read(true);
  await wire.write(`${headers.join('\r\n')}\r\n\r\n`);
  await wire.write(textFrame('{"type":"connection_init"}'));
  await Promise.race([acknowledged.promise, wire.closed.then(() => Promise.reject(new Error(CLOSED)))]);
  wire.read(false);
  return wire;
}

const TEXT = 1;
const PING = 9;

export const textFrame = (text: string) => frame(TEXT, Buffer.from(text));
export const pingFrame = (bytes: number) => frame(PING, Buffer.alloc(bytes, 'x'));
export const subscribeFrame = (id: string, query: string, variables: object = {}) =>
  textFrame(JSON.stringify({ id, type: 'subscribe', payload: { query, variables } }));

/** Masked with zeros, which leaves the payload as it is. */
function frame(opcode: number, payload: Buffer): Buffer {
  const { length } = payload;
  const head = Buffer.alloc(length < 126 ? 6 : length < 65_536 ? 8 : 14);
  head[0] = 0x80 | opcode;
  if (length < 126) head[1] = 0x80 | length;
  else if (length < 65_536) {
    head[1] = 0x80 | 126;
    head.writeUInt16BE(length, 2);
  } else {
    head[1] = 0x80 | 127;
    head.writeBigUInt64BE(BigInt(length), 2);
  }
  return Buffer.concat([head, payload]);
}

/** The bytes of a POST of an operation. */
export function postBytes(url: string, body: string, headers: Record<string, string> = {}): Buffer {
  const all = {
    Host: new URL(url).host,
    'Content-Type': 'application/json',
    'Content-Length': String(Buffer.byteLength(body)),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`POST /graphql HTTP/1.1\r\n${lines.join('')}\r\n${body}`);
}

export interface Asked {
  status: number;
  text: string;
  /** The code of the first error, or `ok`. */
  code: string;
}

/** Sends a request from the client's address, and reads its answer; of a stream of events what comes first. */
export async function send(
  { url, from, signal, sent, answered }: Pick<Client, 'url' | 'from' | 'signal' | 'sent' | 'answered'>,
  {
    path = '/graphql',
    method = 'POST',
    headers = {},
    body,
  }: {
    path?: string;
    method?: string;
    headers?: Record<string, string>;
    body?: string | AsyncIterable<Buffer>;
  },
): Promise<Asked> {
  const { hostname, port } = new URL(url);
  const outgoing = request({ host: hostname, port, path, method, headers, localAddress: from, agent: false, signal });
  const response = once(outgoing, 'response');
  // Told when it is awaited.
  response.catch(() => undefined);
  outgoing.on('error', () => undefined);
  for await (const chunk of typeof body === 'string' ? [Buffer.from(body)] : (body ?? [])) {
    sent(chunk.length);
    if (!outgoing.write(chunk) && !outgoing.destroyed) await drainOrClose(outgoing);
    if (outgoing.destroyed) break;
  }
  outgoing.end();
  const [incoming] = await response;
  let text = '';
  for await (const chunk of incoming) {
    text += chunk;
    // A stream of events need not end.
    if (incoming.headers['content-type']?.startsWith('text/event-stream')) break;
  }
  const [, code = 'ok'] = /"code":"(\w+)"/.exec(text) ?? [];
  answered(`${incoming.statusCode} ${code}`);
  return { status: incoming.statusCode ?? 0, text, code };
}

function drainOrClose(outgoing: NodeJS.WritableStream & NodeJS.EventEmitter): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      outgoing.off('drain', settle);
      outgoing.off('close', settle);
      resolve();
    };
    outgoing.on('drain', settle);
    outgoing.on('close', settle);
  });
}

/** Asks an operation over HTTP, and reads its answer. */
export function ask(client: Client, query: string, variables: object = {}): Promise<Asked> {
  const headers = { 'content-type': 'application/json', accept: 'application/json' };
  return send(client, { headers, body: JSON.stringify({ query, variables }) });
}
