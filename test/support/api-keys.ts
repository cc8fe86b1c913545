import type { Scope } from '../../src/callers/identity.ts';
import { createKeyOperator } from '../../src/callers/keys.ts';
import { createRedisKeys } from '../../src/callers/redis/redis-keys.ts';
import { defaultScopes } from '../../src/callers/scopes.ts';
import { createSeal } from '../../src/job-record/seal.ts';
import type { Product } from './product.ts';

/**
 * Makes an API key of a caller, as `comfygate keys create` does, and gives the headers that bring it. `more`: scopes
 * beside those of default.
 */
export async function keyHeaders(
  { admin, keys }: Pick<Product, 'admin' | 'keys'>,
  caller: string,
  plan = 'internal',
  more: Scope[] = [],
) {
  const operator = createKeyOperator(createRedisKeys(admin, keys), createSeal('x'.repeat(32), 'test'));
  const rights = { plan, scopes: [...defaultScopes, ...more], lifeMs: null, signed: false };
  const { text } = await operator.create({ caller, name: caller, ...rights });
  return { authorization: `Bearer ${text}` };
}
