import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

const HARMLESS_ID = /^[\w.-]{1,64}$/;

/** The caller's X-Request-ID where it is harmless in logs and headers, else a new one. */
export function requestIdOf(req: IncomingMessage): string {
  const given = req.headers['x-request-id'];
  if (typeof given === 'string' && HARMLESS_ID.test(given)) return given;
  // A copy in one piece: Node's is one of sixteen, which take five times as much for as long as a socket has it.
  return Buffer.from(randomUUID()).toString('latin1');
}
