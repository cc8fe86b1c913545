import type { ArtifactStore } from '../artifacts/artifact-store.ts';
import { within } from '../async/timeout.ts';
import type { HealthCheck, HealthStatus } from './health.ts';

export interface CheckAnswer extends Pick<HealthCheck, 'status' | 'message'> {
  /** Where others than this process know since when; default: since this process has seen it so. */
  since?: number | null;
}

const CHECK_TIMEOUT_MS = 2_000;

export type Check = (name: string, ask: () => Promise<CheckAnswer>) => Promise<HealthCheck>;

/** Asks one thing within 2 s, and keeps since when it is as it is. What is down is said inside; it never rejects. */
export function createCheck(now: () => number): Check {
  const seen = new Map<string, { status: HealthStatus; since: number }>();

  function seenSince(name: string, status: HealthStatus): number {
    const last = seen.get(name);
    if (last?.status === status) return last.since;
    const since = now();
    seen.set(name, { status, since });
    return since;
  }

  return async (name, ask) => {
    const start = performance.now();
    try {
      const { status, message, since } = await within(CHECK_TIMEOUT_MS, ask());
      const latencyMs = Math.round((performance.now() - start) * 10) / 10;
      const asSeen = seenSince(name, status);
      return { name, status, message, latencyMs, since: since ?? asSeen };
    } catch {
      // The reason may name addresses; whoever runs it finds it in the log of the part that uses the connection.
      const status = 'UNHEALTHY';
      const message = `${name} cannot be reached`;
      return { name, status, latencyMs: null, message, since: seenSince(name, status) };
    }
  };
}

/** Whether artifacts could be stored now. */
export async function askStorage(artifacts: Pick<ArtifactStore, 'check'>): Promise<CheckAnswer> {
  await artifacts.check({ signal: AbortSignal.timeout(CHECK_TIMEOUT_MS) });
  return { status: 'HEALTHY', message: null };
}

/** A report serves whoever asks for so long. */
const SHARED_MS = 1_000;

/**
 * Whoever asks while a report is made gets that one, and so does who asks within a second behind. `elapsed`: milliseconds on a
 * clock that never steps.
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
