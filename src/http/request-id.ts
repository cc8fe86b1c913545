import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

const HARMLESS_ID = /^[\w.-]{1,64}$/;

/** The caller's X-Request-ID where it is harmless in logs and headers, else a new one. */
export function requestIdOf(req: IncomingMessage): string {
  const given = req.headers['x-request-id'];
  if (typeof given === 'string' && HARMLESS_ID.test(given)) return given;
  // Node puts it together of sixteen pieces, which V8 keeps, five times as much, until it has to look at the whole.
  const id = randomUUID();
  HARMLESS_ID.test(id);
  return id;
}
