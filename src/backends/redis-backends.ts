import type { Redis } from 'ioredis';
import type { Keys } from '../jobs/keys.ts';
import {
  type BackendDirectory,
  type BackendOperator,
  type BackendReporter,
  backendReportSchema,
  type SeenBackend,
  standing,
} from './backends.ts';

/** A worker that has not reported for so long is not counted. */
const WORKER_TTL_MS = 15_000;
/** What was seen of a backend outlives its workers by so long. */
const BACKEND_TTL_MS = 7 * 86_400_000;

async function redisNow(redis: Redis): Promise<number> {
  const [seconds, micros] = await redis.time();
  return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
}

/** `redis` is a durable connection. */
export function createRedisBackendReporter(redis: Redis, keys: Keys): BackendReporter {
  const reported = new Set<string>();
  return {
    async report(workerId, backends) {
      const now = await redisNow(redis);
      const multi = redis.multi().zadd(keys.workers, now, workerId);
      multi.zremrangebyscore(keys.workers, '-inf', now - WORKER_TTL_MS);
      for (const report of backends) {
        const up = report.status !== 'DOWN';
        multi.hset(keys.backend(report.name), {
          report: JSON.stringify(report),
          reportedAt: now,
          ...(up ? { lastSeenAt: now } : {}),
        });
        multi.pexpire(keys.backend(report.name), BACKEND_TTL_MS);
        multi.zadd(keys.backends, now, report.name);
        // Who reaches it, not who knows of it: a job waits for them.
        if (up) multi.zadd(keys.backendWorkers(report.name), now, workerId).set(keys.seen, now);
        else multi.zrem(keys.backendWorkers(report.name), workerId);
        multi.pexpire(keys.backendWorkers(report.name), BACKEND_TTL_MS);
        reported.add(report.name);
      }
      multi.zremrangebyscore(keys.backends, '-inf', now - BACKEND_TTL_MS);
      const replies = (await multi.smembers(keys.draining).exec()) ?? [];
      for (const [error] of replies) if (error) throw error;
      const draining = replies.at(-1)?.[1];
      return new Set(Array.isArray(draining) ? draining.map(String) : []);
    },

    async leave(workerId) {
      const multi = redis.multi().zrem(keys.workers, workerId);
      for (const name of reported) multi.zrem(keys.backendWorkers(name), workerId);
      for (const [error] of (await multi.exec()) ?? []) if (error) throw error;
    },

    async reportedByOthers(workerId, backend) {
      const now = await redisNow(redis);
      const workers = await redis.zrangebyscore(keys.backendWorkers(backend), now - WORKER_TTL_MS, '+inf');
      return workers.some((id) => id !== workerId);
    },
  };
}

/** `redis` is a request connection. */
export function createRedisBackendDirectory(redis: Redis, keys: Keys): BackendDirectory {
  return {
    async backends() {
      const [names, now] = await Promise.all([redis.zrange(keys.backends, 0, -1), redisNow(redis)]);
      const pipeline = redis.pipeline();
      for (const name of names) pipeline.hgetall(keys.backend(name));
      const seen: SeenBackend[] = [];
      for (const [error, fields] of (await pipeline.exec()) ?? []) {
        if (error) throw error;
        const { report, reportedAt, lastSeenAt } = fields as { [name: string]: string };
        if (!report) continue;
        const last = {
          ...backendReportSchema.parse(JSON.parse(report)),
          reportedAt: Number(reportedAt),
          lastSeenAt: Number(lastSeenAt ?? 0),
        };
        seen.push(standing(last, now));
      }
      return seen.sort((a, b) => (a.name < b.name ? -1 : 1));
    },

    async liveWorkers() {
      return redis.zcount(keys.workers, (await redisNow(redis)) - WORKER_TTL_MS, '+inf');
    },
  };
}

/** `redis` is a request connection. */
export function createRedisBackendOperator(redis: Redis, keys: Keys): BackendOperator {
  return {
    backends: createRedisBackendDirectory(redis, keys).backends,
    async drain(name) {
      await redis.sadd(keys.draining, name);
    },
    async resume(name) {
      await redis.srem(keys.draining, name);
    },
  };
}

/** The time without any ComfyUI counts from a gateway's start: after a night switched off nothing has been seen for long. */
export async function startGrace(redis: Redis, keys: Keys): Promise<void> {
  await redis.set(keys.seen, await redisNow(redis));
}
