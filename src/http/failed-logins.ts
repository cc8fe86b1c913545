import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';

/** Wrong credentials by whom they came from, so that guessing and a client that goes on and on are slowed down. */
export interface FailedLogins {
  /** Seconds for which the client is to wait before it sends these again, whose answer is known; 0: it may. */
  wait(client: string, secret: string): number;
  /** Notes wrong ones. Gives the seconds for which the client is to wait, where it has sent too many; else 0. */
  add(client: string, secret: string): number;
}

export interface FailedLoginLimits {
  /** Default 20: somebody who tries a few keys, or a page whose token has ended, stays below it. */
  mostInWindow?: number;
  /** From the first wrong one. Default one minute. */
  windowMs?: number;
  /** A clock of milliseconds. Default `performance`'s. */
  now?: () => number;
}

/** Clients that are remembered, and as many wrong credentials: some 2 MB of memory, whoever fills it. */
const MAX_REMEMBERED = 10_000;

/**
 * A client that has sent too many is told to wait whatever else it sends that is wrong; what it has sent before is not
 * looked up again. What is right still works: behind the same address there may be honest ones.
 */
export function createFailedLogins(limits: FailedLoginLimits = {}): FailedLogins {
  const { mostInWindow = 20, windowMs = 60_000, now = () => performance.now() } = limits;
  const options = { max: MAX_REMEMBERED, ttl: windowMs, noUpdateTTL: true, perf: { now }, ttlResolution: 0 };
  const times = new LRUCache<string, number>(options);
  const wrong = new LRUCache<string, true>(options);
  const hashOf = (secret: string) => createHash('sha256').update(secret).digest('base64');

  function secondsLeft(client: string): number {
    if (times.size === 0) return 0;
    if ((times.get(client) ?? 0) < mostInWindow) return 0;
    return Math.max(1, Math.ceil(times.getRemainingTTL(client) / 1000));
  }

  return {
    wait(client, secret) {
      const seconds = secondsLeft(client);
      return seconds > 0 && wrong.has(hashOf(secret)) ? seconds : 0;
    },
    add(client, secret) {
      const seconds = secondsLeft(client);
      times.set(client, (times.get(client) ?? 0) + 1);
      wrong.set(hashOf(secret), true);
      return seconds;
    },
  };
}
