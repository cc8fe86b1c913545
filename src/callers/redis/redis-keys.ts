import type { Redis } from 'ioredis';
import * as z from 'zod';
import { redisNow } from '../../redis/clock.ts';
import type { Keys } from '../../redis/keys.ts';
import { results } from '../../redis/pipeline.ts';
import { loadScript } from '../../redis/scripts.ts';
import {
  type AddedAs,
  ENDED_KEPT_MS,
  type KeyNews,
  type KeyStore,
  MAX_KEYS,
  MAX_KEYS_OF_CALLER,
  MAX_NONCES,
  SIGNED_WITHIN_MS,
  type StoredKey,
} from '../key-store.ts';
import { isScope } from '../scopes.ts';

/** Changes that a gateway can be behind; beyond that it reads all keys anew. */
const CHANGES_KEPT = 1_000;
/** A nonce may come at the beginning of the time in which its request is taken, and again at the end of it. */
const NONCE_KEPT_MS = 2 * SIGNED_WITHIN_MS + 60_000;

const time = z.coerce
  .number()
  .int()
  .optional()
  .transform((at) => at ?? null);

const recordSchema = z.object({
  id: z.string(),
  caller: z.string(),
  name: z.string(),
  plan: z.string(),
  scopes: z.string().transform((text) => text.split(' ').filter(isScope)),
  hash: z.string(),
  createdAt: z.coerce.number().int(),
  expiresAt: time,
  revokedAt: time,
  lastUsedAt: time,
  signed: z.enum(['0', '1']).transform((flag) => flag === '1'),
  sealedSecret: z
    .string()
    .optional()
    .transform((sealed) => sealed ?? null),
});

const streamSchema = z
  .tuple([z.tuple([z.string(), z.array(z.tuple([z.string(), z.tuple([z.literal('id'), z.string()])]))])])
  .nullable();

export interface RedisKeysOptions {
  most?: number;
  mostOfCaller?: number;
  mostNonces?: number;
}

/**
 * Stores a hash for each key; two sorted sets, of all keys by the time at which they are forgotten and of a caller's by
 * that at which they end, by which they are bounded; and a stream of the ids of those that have changed, which gateways
 * follow. `redis` is a request connection.
 */
export function createRedisKeys(redis: Redis, keys: Keys, options: RedisKeysOptions = {}): KeyStore & KeyNews {
  const { most = MAX_KEYS, mostOfCaller = MAX_KEYS_OF_CALLER, mostNonces = MAX_NONCES } = options;
  const changeKeys = loadScript(new URL('./change-keys.lua', import.meta.url));
  const touchKeys = loadScript(new URL('./touch-keys.lua', import.meta.url));
  const takeNonce = loadScript(new URL('./take-nonce.lua', import.meta.url));

  function change(caller: string, ends: { id: string; overlapMs: number } | null, added: (string | number)[]) {
    const [addedId = ''] = added;
    const all = [keys.apiKeys, keys.apiKeysOf(caller), keys.apiKeyChanges];
    return changeKeys(
      redis,
      [...all, keys.apiKey(ends?.id ?? ''), keys.apiKey(String(addedId))],
      [ends?.id ?? '', ends?.overlapMs ?? 0, ENDED_KEPT_MS, CHANGES_KEPT, ...(added.length > 0 ? added : [''])],
    );
  }

  async function find(ids: readonly string[]): Promise<(StoredKey | null)[]> {
    const pipeline = redis.pipeline();
    for (const id of ids) pipeline.hgetall(keys.apiKey(id));
    return (await results(pipeline)).map((record) => {
      const isThere = typeof record === 'object' && record !== null && 'id' in record;
      return isThere ? recordSchema.parse(record) : null;
    });
  }

  async function position(): Promise<string> {
    const [latest] = await redis.xrevrange(keys.apiKeyChanges, '+', '-', 'COUNT', 1);
    return latest?.[0] ?? '0-0';
  }

  return {
    find,
    position,
    now: () => redisNow(redis),
    ids: () => redis.zrange(keys.apiKeys, 0, -1),

    async add({ lifeMs, replaces, sealedSecret, signed, scopes, ...key }) {
      const fields = { ...key, scopes: scopes.join(' '), signed: signed ? '1' : '0' };
      const reply = await change(key.caller, replaces ?? null, [
        ...[key.id, lifeMs ?? '', mostOfCaller, most],
        ...Object.entries(sealedSecret === null ? fields : { ...fields, sealedSecret }).flat(),
      ]);
      const as: AddedAs[] = ['added', 'unknown', 'ended', 'tooManyOfCaller', 'tooMany'];
      const added = as[Number(reply)];
      if (added === undefined) throw new Error(`change-keys.lua answered ${reply}`);
      return added;
    },

    async revoke(id) {
      const [key] = await find([id]);
      return key ? (await change(key.caller, { id, overlapMs: 0 }, [])) !== 1 : false;
    },

    async changedSince(last) {
      const reply = await redis.xread('COUNT', CHANGES_KEPT, 'STREAMS', keys.apiKeyChanges, last);
      const entries = streamSchema.parse(reply)?.[0][1] ?? [];
      // Whatever was cut off of the stream has at least so many behind it.
      if (entries.length >= CHANGES_KEPT) return { changed: null, position: await position() };
      return { changed: entries.map(([, [, id]]) => id), position: entries.at(-1)?.[0] ?? last };
    },

    onInterrupted: (listener) => void redis.on('close', listener),

    async touch(ids) {
      const records = ids.map((id) => keys.apiKey(id));
      await touchKeys(redis, records, []);
    },

    async takeNonce(id, nonce) {
      const reply = await takeNonce(redis, [keys.apiKeyNonces(id)], [nonce, NONCE_KEPT_MS, mostNonces]);
      return reply === 0 ? 'taken' : reply === 1 ? 'replayed' : 'tooMany';
    },
  };
}
