import type { Redis } from 'ioredis';
import type { ArtifactStore } from '../artifacts/artifact-store.ts';
import type { BackendDirectory } from '../backends/backends.ts';
import type { GatewayJobStore } from '../job-record/job-store.ts';
import { whatIsLost } from '../redis/durability.ts';
import { isRedisDown } from '../redis/is-down.ts';
import type { Keys } from '../redis/keys.ts';
import { whatIsUsedUp } from '../redis/memory.ts';
import { whyNoWrites } from '../redis/try-write.ts';
import { type CheckResult, checkStorage, createCheck, shared } from './checks.ts';
import { comfyuiSince, judgeComfyui } from './comfyui.ts';
import type { Health, HealthReport, HealthStatus } from './health.ts';

export interface HealthOptions {
  redis: Redis;
  keys: Keys;
  store: GatewayJobStore;
  artifacts: Pick<ArtifactStore, 'check'>;
  backends: Omit<BackendDirectory, 'known'>;
  version: string;
  now?: () => number;
  /** Milliseconds on a monotonic clock. Default: performance.now(). */
  elapsed?: () => number;
}

/** Checks everything that the gateway depends on, each within 2 s. It never rejects: the report says what is down. */
export function createHealth(options: HealthOptions): Health {
  const { redis, keys, store, artifacts, backends, version, now = Date.now } = options;
  const check = createCheck(now);

  async function checkWorkers(): Promise<CheckResult & { workers: number }> {
    const [workers, since] = await Promise.all([backends.liveWorkers(), backends.workersSince()]);
    return workers > 0
      ? { status: 'HEALTHY', message: null, since, workers }
      : { status: 'DEGRADED', message: 'no worker is running: jobs are accepted and wait', since, workers };
  }

  async function report(): Promise<HealthReport> {
    let workers = 0;
    let queue: HealthReport['queue'] = { queued: 0, running: 0, oldestQueuedSeconds: null, workers };
    const checks = await Promise.all([
      check('redis', async () => {
        const [{ queued, running, oldestQueuedMs }, result] = await Promise.all([
          store.counts(),
          checkRedis(redis, keys),
        ]);
        queue = {
          queued,
          running,
          oldestQueuedSeconds: oldestQueuedMs === null ? null : oldestQueuedMs / 1000,
          workers,
        };
        return result;
      }),
      check('storage', () => checkStorage(artifacts)),
      check('workers', async () => {
        const { workers: live, ...result } = await checkWorkers();
        workers = live;
        return result;
      }),
      check('comfyui', async () => {
        const seen = await backends.backends();
        return { ...judgeComfyui(seen), since: comfyuiSince(seen) };
      }),
    ]);
    const redisDown = checks.some(({ name, status }) => name === 'redis' && status === 'UNHEALTHY');
    const status: HealthStatus = redisDown
      ? 'UNHEALTHY'
      : checks.every((each) => each.status === 'HEALTHY')
        ? 'HEALTHY'
        : 'DEGRADED';
    return { status, version, checkedAt: now(), checks, queue: { ...queue, workers } };
  }

  return shared(report, options.elapsed);
}

/**
 * Whether Redis takes what is written, keeps what it acknowledges by its current settings, and has room for more jobs.
 * A Redis that does not let us read its settings counts as healthy.
 */
export async function checkRedis(redis: Redis, keys: Keys): Promise<CheckResult> {
  const why = await whyNoWrites(redis, keys.written);
  if (why !== null) return { status: 'UNHEALTHY', message: `${why}: no jobs are accepted, and none ends` };
  const found = await Promise.all([whatIsLost(redis), whatIsUsedUp(redis)]).catch((error: unknown) => {
    if (isRedisDown(error)) throw error;
    return [];
  });
  const message = found.filter((each) => each !== null).join('; ') || null;
  return { status: message ? 'DEGRADED' : 'HEALTHY', message };
}
