import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { TOO_MUCH_WAITS } from '../graphql/engine/budgets.ts';

/** An answer that ends a request before GraphQL sees it. */
export class HttpFault extends Error {
  override readonly name = 'HttpFault';
  readonly status: number;
  readonly code: string;
  readonly headers: Record<string, string>;

  constructor(status: number, code: string, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

/** For a client that is to take its answers before it asks again. They wait for half a minute at most. */
export function tooMuchWaits(): HttpFault {
  return new HttpFault(429, 'RATE_LIMITED', TOO_MUCH_WAITS, { 'Retry-After': '10' });
}

export function sendJson(
  res: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  if (res.headersSent) {
    res.destroy();
    return;
  }
  res.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-store', ...headers });
  res.end(JSON.stringify(body));
}

export function setHeaders(res: ServerResponse, headers: Record<string, string>): void {
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
}

/** Whether an answer that has begun goes on for as long as its client stays. */
export function isEventStream(res: ServerResponse): boolean {
  return String(res.getHeader('content-type') ?? '').startsWith('text/event-stream');
}

/** In the form of a GraphQL answer, so that any client shows the message. */
export function sendFault(res: ServerResponse, { status, code, message, headers }: HttpFault): void {
  sendJson(res, status, { errors: [{ message, extensions: { code } }] }, headers);
}

/**
 * Where there is no response object, and none is worth making: of a connection too many, or one that is to be upgraded.
 * A client that does not close its side would keep it for ever, since no time limit of the server holds for these.
 */
export function refuseConnection(socket: Duplex, { status, message, headers }: HttpFault): void {
  const lines = Object.entries({
    ...headers,
    Connection: 'close',
    'Content-Type': 'text/plain; charset=utf-8',
    'X-Content-Type-Options': 'nosniff',
    'Content-Length': String(Buffer.byteLength(message)),
  });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  socket.end(`HTTP/1.1 ${status} Refused\r\n${head}\r\n${message}`, () => socket.destroy());
}
