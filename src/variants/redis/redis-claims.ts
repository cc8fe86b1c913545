import type { Redis } from 'ioredis';
import type { Keys } from '../../redis/keys.ts';
import { loadScript } from '../../redis/scripts.ts';
import type { VariantClaim, VariantClaims } from '../variant-addresses.ts';

/** Claims of one call of the script: Redis does nothing else meanwhile. */
const MOST_AT_ONCE = 500;

/** `redis` is a request connection: calls fail fast. */
export function createRedisVariantClaims(redis: Redis, keys: Keys): VariantClaims {
  const script = loadScript(new URL('./claims.lua', import.meta.url));
  return {
    async claim(claims, most) {
      const answers: boolean[] = [];
      for (let from = 0; from < claims.length; from += MOST_AT_ONCE) {
        const some = claims.slice(from, from + MOST_AT_ONCE);
        const reply = await script(redis, some.map(keyOf), [most, ...some.flatMap(argumentsOf)]);
        if (!Array.isArray(reply)) throw new Error('claims.lua answered something else than a list');
        answers.push(...reply.map((answer) => answer === 1));
      }
      return answers;
    },
  };

  function keyOf({ artifactId }: VariantClaim): string {
    return keys.variants(artifactId);
  }
}

function argumentsOf({ name, expiresAt }: VariantClaim): (string | number)[] {
  return [name, expiresAt];
}
