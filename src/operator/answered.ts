import { unavailable } from '../core/errors.ts';
import { isRedisDown, whyRedisFails } from '../redis/is-down.ts';

/** What `work` gives; UNAVAILABLE where Redis is away, which `onRedisDown` is told. */
export async function answered<T>(onRedisDown: (error: unknown) => void, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isRedisDown(error)) throw error;
    onRedisDown(error);
    throw unavailable(whyRedisFails(error), 2, error);
  }
}
