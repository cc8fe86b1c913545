import type { Redis } from 'ioredis';
import * as z from 'zod';
import { GatewayError } from '../../core/errors.ts';
import { millisecondsOf, redisNow } from '../../redis/clock.ts';
import type { Keys } from '../../redis/keys.ts';
import { results } from '../../redis/pipeline.ts';
import {
  type BackendDirectory,
  type BackendOperator,
  type BackendReporter,
  backendAsOf,
  backendReportSchema,
  backendStatuses,
  isConfigured,
  isReported,
  type KnownBackend,
  type LastReport,
  statusSince,
} from '../backends.ts';

/** A worker that has not reported for this long is not counted. */
const WORKER_TTL_MS = 15_000;
/** How long the last report of a server is kept. */
const BACKEND_TTL_MS = 7 * 86_400_000;

const lastSchema = z
  .tuple([z.enum(backendStatuses), z.coerce.number(), z.coerce.number(), z.string().nullable()])
  .transform(([status, since, reportedAt, stuckPrompt]): LastReport & { stuckPrompt: string | null } => ({
    status,
    since,
    reportedAt,
    stuckPrompt: stuckPrompt || null,
  }));

/** Redis's time, and the last report of each of these servers; undefined for one without a report. */
async function readLast(redis: Redis, keys: Keys, names: string[]) {
  const pipeline = redis.pipeline().time();
  for (const name of names) pipeline.hmget(keys.backend(name), 'status', 'since', 'reportedAt', 'stuckPrompt');
  const [time, ...rows] = await results(pipeline);
  return { now: millisecondsOf(time), last: rows.map((row) => lastSchema.safeParse(row).data) };
}

/** `redis` is a durable connection. */
export function createRedisBackendReporter(redis: Redis, keys: Keys): BackendReporter {
  const reported = new Set<string>();
  return {
    async report(workerId, backends) {
      const names = backends.map(({ name }) => name);
      const { now, last } = await readLast(redis, keys, names);
      const multi = redis.multi().zadd(keys.workers, now, workerId);
      multi.zremrangebyscore(keys.workers, '-inf', now - WORKER_TTL_MS);
      // This key expires with the last worker, and the next worker sets it again.
      multi.set(keys.workersSince, now, 'PX', WORKER_TTL_MS, 'NX').pexpire(keys.workersSince, WORKER_TTL_MS);
      multi.set(keys.workersSeen, now);
      for (const [i, report] of backends.entries()) {
        const up = report.status !== 'DOWN';
        multi.hset(keys.backend(report.name), {
          report: JSON.stringify(report),
          reportedAt: now,
          status: report.status,
          since: statusSince(last[i] ?? null, report.status, now),
          stuckPrompt: report.stuckPrompt ?? '',
          ...(up ? { lastSeenAt: now } : {}),
        });
        multi.pexpire(keys.backend(report.name), BACKEND_TTL_MS);
        multi.zadd(keys.backends, now, report.name);
        // Only workers that reach the server count, since a job that needs it is put back for one of them.
        if (up) multi.zadd(keys.backendWorkers(report.name), now, workerId).set(keys.seen, now);
        else multi.zrem(keys.backendWorkers(report.name), workerId);
        multi.pexpire(keys.backendWorkers(report.name), BACKEND_TTL_MS);
        reported.add(report.name);
      }
      multi.zremrangebyscore(keys.backends, '-inf', now - BACKEND_TTL_MS);
      const draining = (await results(multi.smembers(keys.draining))).at(-1);
      const stuck = names.flatMap((name, i) => {
        const promptId = last[i]?.stuckPrompt;
        return promptId ? [[name, promptId] as const] : [];
      });
      return { draining: new Set(Array.isArray(draining) ? draining.map(String) : []), stuck: new Map(stuck) };
    },

    async leave(workerId) {
      const now = await redisNow(redis);
      const multi = redis.multi().zrem(keys.workers, workerId);
      for (const name of reported) multi.zrem(keys.backendWorkers(name), workerId);
      multi.set(keys.workersSeen, now).zcount(keys.workers, now - WORKER_TTL_MS, '+inf');
      const left = (await results(multi)).at(-1);
      if (left === 0) await redis.del(keys.workersSince);
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
  async function known(): Promise<KnownBackend[]> {
    const [names, workersSeenAt, now] = await Promise.all([
      redis.zrange(keys.backends, 0, -1),
      redis.get(keys.workersSeen),
      redisNow(redis),
    ]);
    const pipeline = redis.pipeline();
    for (const name of names) pipeline.hgetall(keys.backend(name));
    const seen: KnownBackend[] = [];
    for (const fields of await results(pipeline)) {
      const { report, reportedAt, lastSeenAt, since } = fields as { [name: string]: string };
      if (!report) continue;
      const last = {
        ...backendReportSchema.parse(JSON.parse(report)),
        reportedAt: Number(reportedAt),
        lastSeenAt: Number(lastSeenAt ?? 0),
        since: Number(since ?? reportedAt),
      };
      const configured = isConfigured(last.reportedAt, Number(workersSeenAt ?? 0));
      seen.push({ ...backendAsOf(last, now), configured });
    }
    return seen.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  return {
    known,

    async backends() {
      const seen = await known();
      return seen.flatMap(({ configured, ...backend }) => (configured ? [backend] : []));
    },

    async liveWorkers() {
      return redis.zcount(keys.workers, (await redisNow(redis)) - WORKER_TTL_MS, '+inf');
    },

    async workersSince() {
      const [since, seen] = await redis.mget(keys.workersSince, keys.workersSeen);
      const at = since ?? seen;
      return at ? Number(at) : null;
    },
  };
}

/** `redis` is a request connection. */
export function createRedisBackendOperator(redis: Redis, keys: Keys): BackendOperator {
  const { backends, known } = createRedisBackendDirectory(redis, keys);
  return {
    backends,
    known,
    async drain(name) {
      await redis.sadd(keys.draining, name);
    },
    async resume(name) {
      await redis.srem(keys.draining, name);
    },
    async forget(name) {
      const [reportedAt, now] = await Promise.all([redis.hget(keys.backend(name), 'reportedAt'), redisNow(redis)]);
      if (isReported({ reportedAt: Number(reportedAt ?? 0) }, now)) {
        const how = 'take it out of COMFYUI_URLS, restart that worker, and forget it 15 seconds later';
        throw new GatewayError(`a worker still reports ${name}: ${how}`, { code: 'CONFLICT' });
      }
      await results(
        redis
          .multi()
          .zrem(keys.backends, name)
          .srem(keys.draining, name)
          .del(keys.backend(name), keys.backendWorkers(name)),
      );
    },
  };
}

/**
 * Lets the time without any ComfyUI count from the start of the gateway. Otherwise jobs would be refused right after an
 * installation was started that had been switched off overnight.
 */
export async function startGrace(redis: Redis, keys: Keys): Promise<void> {
  await redis.set(keys.seen, await redisNow(redis));
}
