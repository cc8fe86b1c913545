import { type ArtifactStore, StorageError } from '../artifacts/artifact-store.ts';
import { within } from '../async/timeout.ts';
import { whyRedisRefuses } from '../redis/is-down.ts';
import type { HealthCheck, HealthStatus } from './health.ts';

export interface CheckResult extends Pick<HealthCheck, 'status' | 'message'> {
  /** Since when the status holds, where the check knows it. Default: since this process first saw that status. */
  since?: number | null;
}

const CHECK_TIMEOUT_MS = 2_000;

export type Check = (name: string, run: () => Promise<CheckResult>) => Promise<HealthCheck>;

/**
 * Returns a function that runs one check within 2 s and remembers since when its status holds. It never rejects: a
 * check that fails or hangs is UNHEALTHY.
 */
export function createCheck(now: () => number): Check {
  const seen = new Map<string, { status: HealthStatus; since: number }>();

  function seenSince(name: string, status: HealthStatus): number {
    const last = seen.get(name);
    if (last?.status === status) return last.since;
    const since = now();
    seen.set(name, { status, since });
    return since;
  }

  return async (name, run) => {
    const start = performance.now();
    try {
      const { status, message, since } = await within(CHECK_TIMEOUT_MS, run());
      const latencyMs = Math.round((performance.now() - start) * 10) / 10;
      const asSeen = seenSince(name, status);
      return { name, status, message, latencyMs, since: since ?? asSeen };
    } catch (error) {
      const status = 'UNHEALTHY';
      const message = whatFails(error) ?? `${name} cannot be reached`;
      return { name, status, latencyMs: null, message, since: seenSince(name, status) };
    }
  };
}

/** Null for what may name addresses, which are not shown here: the part that uses the connection has logged it. */
function whatFails(error: unknown): string | null {
  return error instanceof StorageError ? error.message : whyRedisRefuses(error);
}

/** Whether artifacts can be stored now. Rejects when they cannot. */
export async function checkStorage(artifacts: Pick<ArtifactStore, 'check'>): Promise<CheckResult> {
  await artifacts.check({ signal: AbortSignal.timeout(CHECK_TIMEOUT_MS) });
  return { status: 'HEALTHY', message: null };
}

/** How long a report is returned again instead of a new one. */
const SHARED_MS = 1_000;

/**
 * Returns a function that makes at most one report at a time. Calls while a report is made, and within SHARED_MS after
 * it, get that report. `elapsed`: milliseconds on a monotonic clock.
 */
export function shared<Report>(
  make: () => Promise<Report>,
  elapsed: () => number = () => performance.now(),
): () => Promise<Report> {
  let last: { report: Promise<Report>; madeAt: number | null } | null = null;
  return () => {
    if (last && (last.madeAt === null || elapsed() - last.madeAt <= SHARED_MS)) return last.report;
    const current = { report: make(), madeAt: null as number | null };
    last = current;
    const made = () => {
      current.madeAt = elapsed();
    };
    current.report.then(made, made);
    return current.report;
  };
}
