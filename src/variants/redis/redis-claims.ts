import type { Redis } from 'ioredis';
import type { Keys } from '../../redis/keys.ts';
import { loadScript, strings } from '../../redis/scripts.ts';
import type { VariantClaims } from '../make-variants.ts';

/** What a page with `srcset` needs, several times over. */
const MOST_VARIANTS = 16;

/**
 * `redis` is a request connection: calls fail fast. `retentionMs`: how long an ended job is kept, and so its pictures
 * at most.
 */
export function createRedisVariantClaims(redis: Redis, keys: Keys, retentionMs: number): VariantClaims {
  const script = loadScript(new URL('./claims.lua', import.meta.url));
  return {
    claim: async (originalKey, name) =>
      strings(await script(redis, [keys.pictures(originalKey)], [name, MOST_VARIANTS, retentionMs])),
  };
}
