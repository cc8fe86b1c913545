import type { Scope } from './identity.ts';

/** What everybody may know of an API key. Times in milliseconds since 1970, on Redis's clock. */
export interface ApiKey {
  id: string;
  /** Whose jobs are made with it. */
  caller: string;
  /** For a person. */
  name: string;
  plan: string;
  scopes: readonly Scope[];
  createdAt: number;
  /** Null: never. */
  expiresAt: number | null;
  /** May lie ahead: a key that was rotated lives on until then. Null: it was not revoked. */
  revokedAt: number | null;
  /** To the minute. */
  lastUsedAt: number | null;
  /** Whether it signs requests, and is not itself sent. */
  signed: boolean;
}

/** What is stored of a key. */
export interface StoredKey extends ApiKey {
  /** SHA-256 of the key, in hex. */
  hash: string;
  /** Of a key that signs: its signing secret, sealed. */
  sealedSecret: string | null;
}

export interface AddedKey extends Omit<StoredKey, 'createdAt' | 'expiresAt' | 'revokedAt' | 'lastUsedAt'> {
  /** Null: for ever. */
  lifeMs: number | null;
  /** The key that it takes the place of, of the same caller, and how long that one lives on. */
  replaces?: { id: string; overlapMs: number };
}

/**
 * `unknown`, `ended`: the key that is to be replaced. `tooManyOfCaller`, `tooMany`: there are MAX_KEYS_OF_CALLER live
 * keys of the caller, or MAX_KEYS of all.
 */
export type AddedAs = 'added' | 'unknown' | 'ended' | 'tooManyOfCaller' | 'tooMany';

/** Each is read whole by `comfygate keys list`, and takes 600 bytes of Redis. */
export const MAX_KEYS = 100_000;
export const MAX_KEYS_OF_CALLER = 1_000;
/** So long what has ended is told from what never was. */
export const ENDED_KEPT_MS = 30 * 86_400_000;

/** API keys, for operators. */
export interface KeyStore {
  /** All or nothing. */
  add(key: AddedKey): Promise<AddedAs>;
  /** Ends a key at once. False: there is none. One that has ended stays as it is. */
  revoke(id: string): Promise<boolean>;
  /** In the order of the ids; null where there is none. */
  find(ids: readonly string[]): Promise<(StoredKey | null)[]>;
  /** Of all keys, in no order. */
  ids(): Promise<string[]>;
  now(): Promise<number>;
}

/** API keys, for gateways. */
export interface KeyNews extends Pick<KeyStore, 'find'> {
  /** Where the list of changes ends. */
  position(): Promise<string>;
  /** The ids of the keys that have changed since then; null: so many that no list has them. */
  changedSince(position: string): Promise<{ changed: string[] | null; position: string }>;
  /** `listener` is called when changes may have been lost, since the connection was. */
  onInterrupted(listener: () => void): void;
  /** These keys have been used. */
  touch(ids: readonly string[]): Promise<void>;
  /** Remembers a nonce of a key. `tooMany`: MAX_NONCES are remembered. */
  takeNonce(id: string, nonce: string): Promise<'taken' | 'replayed' | 'tooMany'>;
}

/** What Redis's clock and a signer's may differ by. */
export const SIGNED_WITHIN_MS = 300_000;
/** Of a key: some 90 signed requests a second, for the 11 minutes for which nonces are remembered. */
export const MAX_NONCES = 60_000;

/** Until when a key lives; Infinity: for ever. */
export function endOf({ expiresAt, revokedAt }: Pick<ApiKey, 'expiresAt' | 'revokedAt'>): number {
  return Math.min(expiresAt ?? Number.POSITIVE_INFINITY, revokedAt ?? Number.POSITIVE_INFINITY);
}

/** `ending`: it was rotated, and lives on for a while. */
export type KeyState = 'active' | 'ending' | 'revoked' | 'expired';

export function stateOf({ expiresAt, revokedAt }: Pick<ApiKey, 'expiresAt' | 'revokedAt'>, now: number): KeyState {
  if (revokedAt !== null && revokedAt <= now) return 'revoked';
  if (expiresAt !== null && expiresAt <= now) return 'expired';
  return revokedAt === null ? 'active' : 'ending';
}
