import type { Redis } from 'ioredis';
import { isRedisDown } from './is-down.ts';

/** How old a reading may be. Within it one gateway can make some 2 MB of jobs. */
const FRESH_MS = 100;
/** What is left of the memory is for jobs that are under way: they must end when no more are accepted. */
const SHARE_FOR_JOBS = 0.9;
/** Of the machine's memory, where Redis has no limit of its own. It needs as much again while it rewrites its file. */
const SHARE_OF_MACHINE = 0.5;

/** A value in the answer to INFO. */
export function infoValue(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(.*?)\r?$`, 'm').exec(info)?.[1];
}

/** Bytes of INFO's section `memory`; `limit`: what jobs may take, without a bound where Redis does not tell. */
function read(info: string): { used: number; limit: number } {
  const number = (name: string) => Number(infoValue(info, name) ?? 0);
  const most = number('maxmemory') || number('total_system_memory') * SHARE_OF_MACHINE || Number.MAX_SAFE_INTEGER;
  return { used: number('used_memory'), limit: Math.floor(most * SHARE_FOR_JOBS) };
}

/** That Redis has no more room for jobs, and what to do about it; null while it has. */
export async function whatIsUsedUp(redis: Redis): Promise<string | null> {
  const { used, limit } = read(await redis.info('memory'));
  if (used < limit) return null;
  const megabytes = (bytes: number) => Math.round(bytes / 1e6);
  return (
    `${megabytes(used)} MB of memory are used, and jobs may take ${megabytes(limit)} MB: no more are accepted; ` +
    'raise maxmemory'
  );
}

/**
 * Bytes that Redis has left for more jobs, as of a tenth of a second ago at most, less what was taken since; below 0
 * where it should hold no more. Rejects while Redis cannot be reached.
 */
export function createMemoryRoom(redis: Redis): { left(): Promise<number>; take(bytes: number): void } {
  let last: { room: Promise<number>; at: number } | null = null;
  let taken = 0;

  async function measure(): Promise<number> {
    try {
      const { used, limit } = read(await redis.info('memory'));
      return limit - used;
    } catch (error) {
      if (isRedisDown(error)) throw error;
      return Number.MAX_SAFE_INTEGER;
    }
  }

  function latest(): Promise<number> {
    const now = performance.now();
    if (last && now - last.at < FRESH_MS) return last.room;
    const current = { room: measure(), at: now };
    last = current;
    taken = 0;
    current.room.catch(() => {
      if (last === current) last = null;
    });
    return current.room;
  }

  return {
    left: async () => (await latest()) - taken,
    take(bytes) {
      taken += bytes;
    },
  };
}
