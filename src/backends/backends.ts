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
  /** The prompt that does not end there, where that is why it is DOWN. Null otherwise. */
  stuckPrompt: z.string().nullable().default(null),
  /** The options that the server offers for the MODEL parameters of the catalogue, by `Class.input`. */
  models: z.record(z.string(), z.array(z.string())),
  /**
   * The hash of the server's published node definitions; null while no worker has read them. The field keeps its old
   * name, since processes of other versions read and write it.
   */
  catalogue: z.string().nullable().default(null),
  /**
   * The latest request to look at classes again that the worker has met, by the time of the request on Redis's clock:
   * 0 before the first. Workers of before meet none, and leave it out.
   */
  lookedAgain: z.number().exactOptional(),
});
export type BackendReport = z.infer<typeof backendReportSchema>;

export interface SeenBackend extends BackendReport {
  /** When a worker last reported the server, and when one last reached it (0: never). Milliseconds on Redis's clock. */
  reportedAt: number;
  lastSeenAt: number;
  /** Since when the status holds. */
  since: number;
}

/** A server that no worker has reported for this long counts as down, whatever its last report says. */
const STALE_MS = 15_000;

/** A server that other workers go on without for this long is not configured any more. */
const UNCONFIGURED_MS = 600_000;

/**
 * Whether a server is in some worker's configuration, as far as one can tell by when it was last reported, and when any
 * worker last reported: while there is none, nobody has taken it out.
 */
export function isConfigured(reportedAt: number, workersSeenAt: number): boolean {
  return workersSeenAt - reportedAt < UNCONFIGURED_MS;
}

export interface KnownBackend extends SeenBackend {
  configured: boolean;
}

/** What servers that are not down offer of a model input, `Class.input`: each name once, sorted. */
export function offeredModels(seen: readonly BackendReport[], modelOf: string): string[] {
  const offered = seen.filter(({ status }) => status !== 'DOWN').flatMap(({ models }) => models[modelOf] ?? []);
  return [...new Set(offered)].sort();
}

/** Whether a live worker reports the server. */
export function isReported({ reportedAt }: Pick<SeenBackend, 'reportedAt'>, now: number): boolean {
  return now - reportedAt < STALE_MS;
}

/** The server with its status now: DOWN where its last report is too old. */
export function backendAsOf(seen: SeenBackend, now: number): SeenBackend {
  if (isReported(seen, now)) return seen;
  const since = seen.status === 'DOWN' ? seen.since : seen.reportedAt;
  const message = 'no worker that takes jobs has this server';
  return { ...seen, status: 'DOWN', queued: 0, running: 0, message, since };
}

/** The part of a server's last report from which `statusSince` is computed. */
export type LastReport = Pick<SeenBackend, 'status' | 'since' | 'reportedAt'>;

/** Since when a server has the status that is reported now. `last` is null for a server that was never reported. */
export function statusSince(last: LastReport | null, status: BackendStatus, now: number): number {
  if (!last) return now;
  const isStale = !isReported(last, now);
  const previous: BackendStatus = isStale ? 'DOWN' : last.status;
  if (previous !== status) return now;
  return isStale && last.status !== 'DOWN' ? last.reportedAt : last.since;
}

/** Written by workers. */
export interface BackendReporter {
  /**
   * Reports that the worker is alive, and the state of its servers; called every few seconds. Returns the names of the
   * servers that must get no new work, and the prompts that do not end at these servers as the reports before this one
   * say, by server.
   */
  report(
    workerId: string,
    backends: BackendReport[],
  ): Promise<{ draining: ReadonlySet<string>; stuck: ReadonlyMap<string, string> }>;
  /** Removes the worker at an orderly stop, so that nobody counts it until its report is too old. */
  leave(workerId: string): Promise<void>;
  /** Whether a live worker, other than this one, reaches that backend. */
  reportedByOthers(workerId: string, backend: string): Promise<boolean>;
}

/** Read by gateways. */
export interface BackendDirectory {
  /** The servers that are configured, reached or not, sorted by name, with their current status. */
  backends(): Promise<SeenBackend[]>;
  /**
   * All servers that were reported within the last seven days and not forgotten: also those that may only be away with
   * their workers. Jobs wait for these.
   */
  known(): Promise<KnownBackend[]>;
  liveWorkers(): Promise<number>;
  /**
   * Since when there has been a worker without a gap or, while there is none, since when there is none. Null where
   * there never was one. Milliseconds on Redis's clock.
   */
  workersSince(): Promise<number | null>;
}

/** What an operator does. */
export interface BackendOperator extends Pick<BackendDirectory, 'backends' | 'known'> {
  /** Gives the server no new work until `resume`; running jobs finish. Workers learn of it within about two seconds. */
  drain(name: string): Promise<void>;
  resume(name: string): Promise<void>;
  /** Removes what is known of a server. Rejects with CONFLICT while a worker reports it: it would only come back. */
  forget(name: string): Promise<void>;
}
