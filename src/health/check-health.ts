import type { Redis } from 'ioredis';
import type { ArtifactStore } from '../artifacts/artifact-store.ts';
import type { BackendDirectory } from '../backends/backends.ts';
import type { GatewayJobStore } from '../jobs/job-store.ts';
import type { Health, HealthCheck, HealthReport, HealthStatus } from './health.ts';

export interface HealthOptions {
  redis: Redis;
  store: GatewayJobStore;
  artifacts: Pick<ArtifactStore, 'check'>;
  backends: BackendDirectory;
  version: string;
  now?: () => number;
}

const CHECK_TIMEOUT_MS = 2_000;
/** A report serves whoever asks for so long. */
const SHARED_MS = 1_000;

/** Asks all that the gateway depends on, each within 2 s. What is down is said inside; it never rejects. */
export function createHealth(options: HealthOptions): Health {
  const { redis, store, artifacts, backends, version, now = Date.now } = options;
  let shared: { report: Promise<HealthReport>; at: number } | null = null;

  async function check(
    name: string,
    ask: () => Promise<Pick<HealthCheck, 'status' | 'message'>>,
  ): Promise<HealthCheck> {
    const start = performance.now();
    try {
      const answer = await withTimeout(ask());
      return { name, ...answer, latencyMs: Math.round((performance.now() - start) * 10) / 10 };
    } catch {
      // The reason may name addresses; whoever runs it finds it in the log of the part that uses the connection.
      return { name, status: 'UNHEALTHY', latencyMs: null, message: `${name} cannot be reached` };
    }
  }

  async function checkWorkers() {
    const workers = await backends.liveWorkers();
    return workers > 0
      ? ({ status: 'HEALTHY', message: null, workers } as const)
      : ({ status: 'DEGRADED', message: 'no worker is running: jobs are accepted and wait', workers } as const);
  }

  async function checkComfyui() {
    const seen = await backends.backends();
    const up = seen.filter(({ status }) => status === 'UP');
    const down = seen.filter(({ status }) => status === 'DOWN');
    if (seen.length === 0) return { status: 'DEGRADED', message: 'no worker has reported a ComfyUI yet' } as const;
    if (down.length > 0) {
      const named = down.map(({ name, message }) => (message ? `${name} (${message})` : name)).join(', ');
      return { status: down.length < seen.length ? 'DEGRADED' : 'UNHEALTHY', message: `down: ${named}` } as const;
    }
    if (up.length === 0) return { status: 'DEGRADED', message: 'all that are up are draining: jobs wait' } as const;
    return { status: 'HEALTHY', message: null } as const;
  }

  async function report(): Promise<HealthReport> {
    let workers = 0;
    let queue: HealthReport['queue'] = { queued: 0, running: 0, oldestQueuedSeconds: null, workers };
    const checks = await Promise.all([
      check('redis', async () => {
        const { queued, running, oldestQueuedMs } = await store.counts();
        queue = {
          queued,
          running,
          oldestQueuedSeconds: oldestQueuedMs === null ? null : oldestQueuedMs / 1000,
          workers,
        };
        return { status: redis.status === 'ready' ? 'HEALTHY' : 'DEGRADED', message: null };
      }),
      check('storage', async () => {
        await artifacts.check({ signal: AbortSignal.timeout(CHECK_TIMEOUT_MS) });
        return { status: 'HEALTHY', message: null };
      }),
      check('workers', async () => {
        const { workers: live, ...answer } = await checkWorkers();
        workers = live;
        return answer;
      }),
      check('comfyui', checkComfyui),
    ]);
    const redisDown = checks.some(({ name, status }) => name === 'redis' && status === 'UNHEALTHY');
    const status: HealthStatus = redisDown
      ? 'UNHEALTHY'
      : checks.every((each) => each.status === 'HEALTHY')
        ? 'HEALTHY'
        : 'DEGRADED';
    return { status, version, checkedAt: now(), checks, queue: { ...queue, workers } };
  }

  return () => {
    if (!shared || now() - shared.at > SHARED_MS) shared = { report: report(), at: now() };
    return shared.report;
  };
}

async function withTimeout<T>(promise: Promise<T>): Promise<T> {
  const timeout = Promise.withResolvers<never>();
  const timer = setTimeout(() => timeout.reject(new Error('no answer in time')), CHECK_TIMEOUT_MS);
  try {
    return await Promise.race([promise, timeout.promise]);
  } finally {
    clearTimeout(timer);
  }
}
