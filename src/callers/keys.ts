import { sha256 } from '../core/canonical-json.ts';
import { GatewayError, notFound } from '../core/errors.ts';
import { isApiKeyId, newApiKey, parseApiKey, signingSecretOf } from './api-key.ts';
import type { Scope } from './identity.ts';
import { type ApiKey, type KeyState, type KeyStore, MAX_KEYS, MAX_KEYS_OF_CALLER, stateOf } from './key-store.ts';
import type { SecretSeal } from './request-signature.ts';

/** What an operator does with API keys. */
export interface KeyOperator {
  /** Rejects with LIMIT_EXCEEDED for too many. */
  create(request: KeyRequest): Promise<MadeKey>;
  /** All keys, the latest first. */
  list(): Promise<ListedKey[]>;
  /** By the id, or by the whole key. */
  show(text: string): Promise<ShownKey>;
  /**
   * Makes a key for the same caller with the same rights; the other lives on for `overlapMs`. Rejects with NOT_FOUND,
   * and with CONFLICT for one that has ended, or was rotated before.
   */
  rotate(id: string, options: { overlapMs: number; lifeMs?: number | undefined }): Promise<MadeKey>;
  /** Gives the key as it is then. Rejects with NOT_FOUND. */
  revoke(id: string): Promise<ListedKey>;
}

export interface KeyRequest {
  caller: string;
  name: string;
  plan: string;
  scopes: readonly Scope[];
  /** Null: for ever. */
  lifeMs: number | null;
  /** It signs requests instead of being sent. */
  signed: boolean;
}

export interface ListedKey extends ApiKey {
  state: KeyState;
}

/** What is told once and kept nowhere. */
export interface MadeKey {
  text: string;
  /** Null for a key that is sent itself. */
  signingSecret: string | null;
  key: ListedKey;
}

/**
 * `typo`: a key whose checksum is wrong. `none`: neither an id nor a key. `unknown`: no such key was ever made here, or
 * it ended more than 30 days ago. `other`: the id of the key is known, and the rest is not this one's.
 */
export type ShownKey =
  | { is: 'typo' | 'none' }
  | { is: 'unknown' | 'other'; id: string }
  | { is: 'key'; key: ListedKey };

/** How long both keys may live when one is rotated, in milliseconds. */
export const overlaps: Readonly<Record<string, number>> = {
  '0': 0,
  '1h': 3_600_000,
  '24h': 86_400_000,
  '7d': 604_800_000,
};

/** In one round trip. */
const PAGE = 500;

const REFUSALS = {
  ended: 'the key has ended, or was rotated before: rotate the one that took its place, or create another',
  tooManyOfCaller: `the caller has ${MAX_KEYS_OF_CALLER} keys: revoke those that are not used`,
  tooMany: `there are ${MAX_KEYS} keys: revoke those that are not used; they count for 30 days more`,
};

export function createKeyOperator(store: KeyStore, seal: SecretSeal): KeyOperator {
  async function read(id: string): Promise<ListedKey> {
    const [[key], now] = await Promise.all([store.find([id]), store.now()]);
    if (!key) throw notFound(`API key ${id}`);
    return listed(key, now);
  }

  async function make(request: KeyRequest, replaces?: { id: string; overlapMs: number }): Promise<MadeKey> {
    const { id, text } = newApiKey();
    const signingSecret = request.signed ? signingSecretOf(text) : null;
    const sealedSecret = signingSecret === null ? null : seal.close(signingSecret, id);
    const added = await store.add({ ...request, id, hash: sha256(text), sealedSecret, ...(replaces && { replaces }) });
    if (added === 'unknown') throw notFound(`API key ${replaces?.id}`);
    if (added !== 'added') {
      throw new GatewayError(REFUSALS[added], { code: added === 'ended' ? 'CONFLICT' : 'LIMIT_EXCEEDED' });
    }
    return { text, signingSecret, key: await read(id) };
  }

  return {
    create: (request) => make(request),

    async list() {
      const ids = await store.ids();
      const now = await store.now();
      const keys: ListedKey[] = [];
      for (let i = 0; i < ids.length; i += PAGE) {
        const page = await store.find(ids.slice(i, i + PAGE));
        keys.push(...page.flatMap((key) => (key ? [listed(key, now)] : [])));
      }
      return keys.sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? -1 : 1));
    },

    async show(text) {
      const parsed = isApiKeyId(text) ? { id: text } : parseApiKey(text);
      if (parsed === 'malformed') return { is: text.startsWith('cg_') ? 'typo' : 'none' };
      const { id } = parsed;
      const [[key], now] = await Promise.all([store.find([id]), store.now()]);
      if (!key) return { is: 'unknown', id };
      if (text !== id && sha256(text) !== key.hash) return { is: 'other', id };
      return { is: 'key', key: listed(key, now) };
    },

    async rotate(id, { overlapMs, lifeMs }) {
      const { caller, name, plan, scopes, signed, createdAt, expiresAt } = await read(id);
      const sameLife = expiresAt === null ? null : expiresAt - createdAt;
      const request = { caller, name, plan, scopes, signed, lifeMs: lifeMs ?? sameLife };
      return make(request, { id, overlapMs });
    },

    async revoke(id) {
      if (!(await store.revoke(id))) throw notFound(`API key ${id}`);
      return read(id);
    },
  };
}

/** Without the hash of the key and its secret. */
function listed(key: ApiKey, now: number): ListedKey {
  const { id, caller, name, plan, scopes, createdAt, expiresAt, revokedAt, lastUsedAt, signed } = key;
  const state = stateOf(key, now);
  return { id, state, caller, name, plan, scopes, createdAt, expiresAt, revokedAt, lastUsedAt, signed };
}
