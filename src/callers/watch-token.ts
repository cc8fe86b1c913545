import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import type { Identity, Watched } from './identity.ts';

/** What lets a browser watch, read and fetch some of a caller's jobs, and do nothing else. */
export interface WatchTokens {
  /**
   * `seconds`: how long it lasts, though never beyond the key or token that it is made by. `expiresAt` in milliseconds
   * since 1970. Not for an identity that is a watch token's itself.
   */
  make(identity: Identity, watched: Watched, seconds: number): { token: string; expiresAt: number };
  /** Who brings the token: its caller, bound to its jobs. Null for what is none of ours, or has ended. */
  read(token: string): Identity | null;
}

/** How long a token lasts, in seconds: by the contract 15 minutes, and a day at most. */
export const WATCH_SECONDS = { min: 60, default: 900, max: 86_400 } as const;
/** Jobs of one token at most: 16 bytes each. */
export const MAX_WATCHED_JOBS = 100;

/** Scanners for leaked secrets know it by this. */
const PREFIX = 'cgw_';
/** A token of 100 jobs has some 2,400. */
const MAX_CHARACTERS = 4_096;
const VERSION = 1;
const ID_BYTES = 16;
/** So that the secret, which signs addresses too, gives another key to each purpose. */
const PURPOSE = 'comfygate: watch tokens';

/** `secret`: what all gateways of the installation have in common. `now`: milliseconds since 1970. */
export function createWatchTokens(secret: string, now: () => number): WatchTokens {
  const key = new Uint8Array(hkdfSync('sha256', secret, '', PURPOSE, 32));
  const sign = (payload: string) => createHmac('sha256', key).update(payload).digest('base64url');

  return {
    make(identity, watched, seconds) {
      if (identity.watch) throw new Error('a watch token makes no other');
      const expiresAt = Math.min(now() + seconds * 1000, identity.expiresAt ?? Number.POSITIVE_INFINITY);
      const payload = encode(identity, watched, expiresAt).toString('base64url');
      return { token: `${PREFIX}${payload}.${sign(payload)}`, expiresAt };
    },

    read(token) {
      if (token.length > MAX_CHARACTERS || !token.startsWith(PREFIX)) return null;
      const end = token.lastIndexOf('.');
      const payload = token.slice(PREFIX.length, end);
      const expected = Buffer.from(sign(payload));
      const given = Buffer.from(token.slice(end + 1));
      if (given.length !== expected.length || !timingSafeEqual(given, expected)) return null;
      const identity = decode(Buffer.from(payload, 'base64url'));
      return identity && (identity.expiresAt ?? 0) > now() ? identity : null;
    },
  };
}

/** Version, end, then caller, plan and key each behind their length, '' for null; then a tag, or the ids of jobs. */
function encode({ caller, plan, keyId }: Identity, watched: Watched, expiresAt: number): Buffer {
  const head = Buffer.alloc(7);
  head.writeUInt8(VERSION);
  head.writeUIntBE(Math.floor(expiresAt), 1, 6);
  const texts = [caller, plan ?? '', keyId ?? '', watched.tag ?? ''].map((text) => {
    const bytes = Buffer.from(text);
    if (bytes.length > 255) throw new RangeError('a text of a watch token takes more than 255 bytes');
    return Buffer.concat([Buffer.of(bytes.length), bytes]);
  });
  const ids = [...(watched.jobs ?? [])].map((id) => Buffer.from(id.replaceAll('-', ''), 'hex'));
  return Buffer.concat([head, ...texts, ...ids]);
}

/** Null for a version that this one does not know. What is signed is otherwise as `encode` wrote it. */
function decode(bytes: Buffer): Identity | null {
  if (bytes.readUInt8() !== VERSION) return null;
  const expiresAt = bytes.readUIntBE(1, 6);
  let at = 7;
  const text = () => {
    const end = at + 1 + bytes.readUInt8(at);
    const read = bytes.toString('utf8', at + 1, end);
    at = end;
    return read;
  };
  const [caller, plan, keyId, tag] = [text(), text(), text(), text()];
  const jobs = new Set<string>();
  for (; at < bytes.length; at += ID_BYTES) jobs.add(uuid(bytes.toString('hex', at, at + ID_BYTES)));
  return {
    caller,
    name: caller,
    plan: plan || null,
    scopes: new Set(['job:read']),
    keyId: keyId || null,
    expiresAt,
    watch: tag ? { tag } : { jobs },
  };
}

const uuid = (hex: string) => hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
