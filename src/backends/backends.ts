import * as z from 'zod';

export const backendStatuses = ['UP', 'DOWN', 'DRAINING'] as const;
export type BackendStatus = (typeof backendStatuses)[number];

/** A worker's last report of one ComfyUI server. It holds no address: everything in it may be shown to callers. */
export const backendReportSchema = z.object({
  name: z.string(),
  /** DRAINING: the server is reached, and gets no new work. */
  status: z.enum(backendStatuses),
  comfyuiVersion: z.string().nullable(),
  queued: z.int(),
  running: z.int(),
  /** The GPUs or CPU that the server computes on. */
  devices: z.array(z.string()).default([]),
  /** Why the server is DOWN, for a person. Null otherwise. */
  message: z.string().nullable(),
  /** The options that the server offers for the MODEL parameters of the catalogue, by `Class.input`. */
  models: z.record(z.string(), z.array(z.string())),
  /**
   * Hash of its published node definitions, under the name that processes of other versions know; null while nobody has
   * read them.
   */
  catalogue: z.string().nullable().default(null),
});
export type BackendReport = z.infer<typeof backendReportSchema>;

export interface SeenBackend extends BackendReport {
  /** When a worker last reported the server, and when one last reached it (0: never). Milliseconds on Redis's clock. */
  reportedAt: number;
  lastSeenAt: number;
  /** Since when the status holds. */
  since: number;
}

/** A server that no worker has reported for so long is down, whatever was reported last. */
const STALE_MS = 15_000;

/** A server as it is now: DOWN once nobody reports it any more. */
export function backendAsOf(seen: SeenBackend, now: number): SeenBackend {
  if (now - seen.reportedAt < STALE_MS) return seen;
  const since = seen.status === 'DOWN' ? seen.since : seen.reportedAt;
  return { ...seen, status: 'DOWN', queued: 0, running: 0, message: 'no worker that runs has this server', since };
}

/** What is kept of a server's last report to say since when it is as it is. */
export type LastReport = Pick<SeenBackend, 'status' | 'since' | 'reportedAt'>;

/** Since when a server has the status that is reported now; `last`: null where nothing is known of it. */
export function statusSince(last: LastReport | null, status: BackendStatus, now: number): number {
  if (!last) return now;
  const isStale = now - last.reportedAt >= STALE_MS;
  const was: BackendStatus = isStale ? 'DOWN' : last.status;
  if (was !== status) return now;
  return isStale && last.status !== 'DOWN' ? last.reportedAt : last.since;
}

/** Written by workers. */
export interface BackendReporter {
  /**
   * Says that the worker lives and what it sees; called every few seconds. Gives the names of the servers that are to
   * get no new work.
   */
  report(workerId: string, backends: BackendReport[]): Promise<ReadonlySet<string>>;
  /** Removes the worker at an orderly stop, so that nobody counts it until its report is too old. */
  leave(workerId: string): Promise<void>;
  /** Whether a live worker, other than this one, reaches that backend. */
  reportedByOthers(workerId: string, backend: string): Promise<boolean>;
}

/** Read by gateways. */
export interface BackendDirectory {
  /** All servers that were reported within the last seven days, sorted by name, with their current status. */
  backends(): Promise<SeenBackend[]>;
  liveWorkers(): Promise<number>;
  /**
   * Since when there have been workers without a gap, or none; null where there never was one. Milliseconds on Redis's
   * clock.
   */
  workersSince(): Promise<number | null>;
}

/** What an operator does. */
export interface BackendOperator {
  backends(): Promise<SeenBackend[]>;
  /** Gives the server no new work until `resume`; running jobs finish. Workers learn of it within about two seconds. */
  drain(name: string): Promise<void>;
  resume(name: string): Promise<void>;
}
