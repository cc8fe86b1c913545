import { once } from 'node:events';
import type { Redis } from 'ioredis';
import type { ArtifactStore } from '../artifacts/artifact-store.ts';
import type { BackendReport } from '../backends/backends.ts';
import type { Ping } from '../redis/connection.ts';
import type { Keys } from '../redis/keys.ts';
import { checkRedis } from './check-health.ts';
import { type CheckResult, checkStorage, createCheck, shared } from './checks.ts';
import { judgeComfyui } from './comfyui.ts';
import type { HealthCheck, HealthStatus, Probes, ProcessHealth } from './health.ts';

export interface WorkerHealthOptions {
  /** A durable connection. Its commands wait for ever while Redis is down, so they run only after a successful ping. */
  redis: Redis;
  keys: Keys;
  ping: Ping;
  artifacts: Pick<ArtifactStore, 'check'>;
  worker: {
    /** Loops that hang, and since when (milliseconds since 1970). See `Loops.late`. */
    late(): { name: string; since: number }[];
    backends(): Pick<BackendReport, 'name' | 'status' | 'message'>[];
    /** Why it takes no jobs though Redis and ComfyUI are there: its disk, or a storage that refuses it. */
    unfit(): string | null;
  };
  version: string;
  now?: () => number;
}

const PING_WITHIN_MS = 250;
/** A worker's connection is back within this after Redis has refused a write. */
const REFUSED_FOR_MS = 1_000;
/** Longer than between two looks at the health of a process. */
const REFUSES_FOR_MS = 15_000;

/** A worker is alive while its loops turn. It is ready while Redis and storage answer and some ComfyUI takes work. */
export function createWorkerHealth(options: WorkerHealthOptions): Probes & { stopping(): void } {
  const { redis, keys, ping, artifacts, worker, version, now = Date.now } = options;
  const check = createCheck(now);
  let isStopping = false;

  /** A Redis that refuses writes seems to be away now and then: a refusal closes a worker's connection for a while. */
  let refusal: { result: CheckResult; at: number } | null = null;

  async function answers(): Promise<boolean> {
    if (await ping(PING_WITHIN_MS)) return true;
    if (redis.status === 'ready') return false;
    const signal = AbortSignal.timeout(REFUSED_FOR_MS);
    return once(redis, 'ready', { signal }).then(
      () => ping(PING_WITHIN_MS),
      () => false,
    );
  }

  async function checkConnection(): Promise<CheckResult> {
    if (await answers()) {
      const result = await checkRedis(redis, keys);
      refusal = result.status === 'UNHEALTHY' ? { result, at: performance.now() } : null;
      return result;
    }
    if (refusal && performance.now() - refusal.at < REFUSES_FOR_MS) return refusal.result;
    return { status: 'UNHEALTHY', message: 'redis does not answer' };
  }

  const report = shared(async (): Promise<ProcessHealth> => {
    const checks = await Promise.all([
      check('loops', async () => {
        const late = worker.late();
        if (late.length === 0) return { status: 'HEALTHY', message: null };
        const since = Math.min(...late.map((each) => each.since));
        return { status: 'UNHEALTHY', message: `stands still: ${late.map(({ name }) => name).join(', ')}`, since };
      }),
      check('redis', checkConnection),
      check('storage', async () => {
        const message = worker.unfit();
        return message === null ? checkStorage(artifacts) : { status: 'UNHEALTHY', message };
      }),
      check('comfyui', async () => judgeComfyui(worker.backends())),
    ]);
    return { status: overallStatus(checks), version, checkedAt: now(), checks };
  });

  return {
    hangs: () => worker.late().map(({ name }) => `${name} stands still`),
    async whyNotReady() {
      const { checks } = await report();
      const down = checks.filter(({ name, status }) => name !== 'comfyui' && status === 'UNHEALTHY');
      const reasons = down.map(({ message }) => message ?? '');
      if (!worker.backends().some(({ status }) => status === 'UP')) {
        const { message } = judgeComfyui(worker.backends());
        reasons.push(worker.backends().length > 0 ? `no ComfyUI takes work: ${message}` : 'no ComfyUI was seen yet');
      }
      if (isStopping) reasons.push('it is about to stop');
      return reasons;
    },
    report,
    stopping() {
      isStopping = true;
    },
  };
}

/** UNHEALTHY when loops hang or Redis is down, since the worker can then do no work at all. */
function overallStatus(checks: readonly HealthCheck[]): HealthStatus {
  if (checks.every(({ status }) => status === 'HEALTHY')) return 'HEALTHY';
  const dead = checks.some(({ name, status }) => (name === 'loops' || name === 'redis') && status === 'UNHEALTHY');
  return dead ? 'UNHEALTHY' : 'DEGRADED';
}
