import type { Redis } from 'ioredis';
import { whyRedisRefuses } from './is-down.ts';
import { loadScript } from './scripts.ts';

const script = loadScript(new URL('./try-write.lua', import.meta.url));

/** Why Redis takes no writes now; null while it does. Rejects where it does not answer. */
export async function whyNoWrites(redis: Redis, key: string): Promise<string | null> {
  const error = await script(redis, [key], []);
  return error === '' ? null : (whyRedisRefuses(new Error(String(error))) ?? 'Redis takes no writes');
}
