import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Credentials } from '../callers/authenticator.ts';
import { isObject, own } from '../core/objects.ts';
import { timesSent } from './access.ts';
import { HttpFault } from './reply.ts';

type Signed = Extract<Credentials, { kind: 'signed' }>;

/** A signed request, of whose body nothing has been read. */
export type Unread = Omit<Signed, 'text'>;

/** JWTs with many claims have some 4,000. Node bounds all headers of a request together to 16 KiB. */
const MAX_CHARACTERS = 8_192;

/** The scheme of a signed request. */
const SIGNED = 'comfygate-hmac-sha256';
const SIGNED_PARTS = ['keyId', 'timestamp', 'nonce', 'signature'];

/** What watch tokens begin with; keys and JWTs never do. */
const WATCH = 'cgw_';

const KEY_IN_ADDRESS = /\bcg_[A-Za-z0-9]{12}_[A-Za-z0-9]{16,}/;
const JWT_IN_ADDRESS = /\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\./;
const WATCH_TOKEN_IN_ADDRESS = /[?&]watchToken=([^&#]*)/;

/** 401 as RFC 9110 wants it, whose message says what is wrong where that is no secret. */
export function notAuthenticated(message: string): HttpFault {
  return new HttpFault(401, 'UNAUTHENTICATED', message, { 'WWW-Authenticate': 'Bearer' });
}

/**
 * Throws 401 for a key or a JWT in the address: addresses are kept by browsers and logged by proxies, so that it is no
 * secret any more.
 */
export function refuseInAddress({ url = '' }: IncomingMessage): void {
  const text = url.includes('%') ? unescaped(url) : url;
  if (!KEY_IN_ADDRESS.test(text) && !JWT_IN_ADDRESS.test(text)) return;
  throw notAuthenticated(
    'Keys and tokens are not taken in an address, where logs and browsers keep them: send it as ' +
      '`Authorization: Bearer`, and replace this one.',
  );
}

/** Only what a name or a token may consist of, and without failing. */
function unescaped(url: string): string {
  return url.replace(/%([2-7][\da-f])/gi, (_all, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}

/**
 * What a request of GraphQL brings; null: nothing. What cannot be read is a bearer's, which nobody knows. A watch token
 * is also taken from the address of a GET, since EventSource sends no headers, and removed from it. Throws 401 for
 * other credentials in the address, and 400 where there are two.
 */
export function readCredentials(req: IncomingMessage): Exclude<Credentials, Signed> | Unread | null {
  refuseInAddress(req);
  const { authorization } = req.headers;
  const watchToken = takeWatchToken(req);
  if (authorization === undefined) return watchToken === undefined ? null : watchCredentials(watchToken);
  if (watchToken !== undefined || timesSent(req, 'authorization') > 1) throw twice();
  return parseAuthorization(authorization);
}

/** What `connectionParams` of a socket bring; null: nothing. */
export function credentialsInParams(params: unknown): Credentials | null {
  if (!isObject(params)) return null;
  const given = [own(params, 'authorization'), own(params, 'Authorization'), own(params, 'watchToken')];
  const [first, second] = given.filter((each) => each !== undefined && each !== null);
  if (first === undefined) return null;
  // Two of them are none that anybody knows; so is what was signed, since there is no request that it would be for.
  if (typeof first !== 'string' || second !== undefined) return { kind: 'bearer', token: '' };
  if (first === given[2]) return watchCredentials(first);
  const parsed = parseAuthorization(first);
  return parsed.kind === 'signed' ? { kind: 'bearer', token: '' } : parsed;
}

/** With what was signed, now that the body is there: '' for a GET. */
export function withBody(credentials: Unread, { method = '', url = '' }: IncomingMessage, body: string): Signed {
  const hash = createHash('sha256').update(body).digest('hex');
  return { ...credentials, text: [method, url, credentials.timestamp, credentials.nonce, hash].join('\n') };
}

function twice(): HttpFault {
  return new HttpFault(400, 'BAD_REQUEST', 'There are credentials more than once.');
}

/** A watch token that is too long, or none, is one that nobody knows. */
function watchCredentials(token: string): Exclude<Credentials, Signed> {
  return { kind: 'watch', token: token.slice(0, MAX_CHARACTERS) };
}

function takeWatchToken(req: IncomingMessage): string | undefined {
  const { url = '' } = req;
  const [part, value] = WATCH_TOKEN_IN_ADDRESS.exec(url) ?? [];
  if (part === undefined || value === undefined) return undefined;
  if (req.method !== 'GET' || req.headers.upgrade !== undefined) {
    throw notAuthenticated(
      'A watch token is taken in the address of a GET only: send it as `Authorization: Bearer`, over a socket as ' +
        '`watchToken` of connectionParams.',
    );
  }
  req.url = url.replace(part, part.startsWith('?') ? '?' : '').replace('?&', '?');
  if (WATCH_TOKEN_IN_ADDRESS.test(req.url)) throw twice();
  return unescaped(value);
}

function parseAuthorization(header: string): Exclude<Credentials, Signed> | Unread {
  const text = header.trim();
  const [, scheme = '', rest = ''] = text.length > MAX_CHARACTERS ? [] : (/^(\S+) +(.+)$/.exec(text) ?? []);
  if (scheme.toLowerCase() === 'bearer') {
    return rest.startsWith(WATCH) ? { kind: 'watch', token: rest } : { kind: 'bearer', token: rest };
  }
  const parts = scheme.toLowerCase() === SIGNED ? signedParts(rest) : null;
  return parts ?? { kind: 'bearer', token: '' };
}

/** Each part once, as `name=value` or `name="value"`; null for anything else. */
function signedParts(text: string): Unread | null {
  const parts = new Map<string, string>();
  for (const part of text.split(',')) {
    const [, name = '', value = ''] = /^\s*(\w+)="?([\w.~+/=:-]{1,256})"?\s*$/.exec(part) ?? [];
    if (!SIGNED_PARTS.includes(name) || parts.has(name)) return null;
    parts.set(name, value);
  }
  const [keyId, timestamp, nonce, signature] = SIGNED_PARTS.map((name) => parts.get(name));
  if (!keyId || !timestamp || !nonce || !signature) return null;
  return { kind: 'signed', keyId, timestamp, nonce, signature };
}
