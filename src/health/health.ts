export type HealthStatus = 'HEALTHY' | 'DEGRADED' | 'UNHEALTHY';

export interface HealthCheck {
  /** redis, storage, workers or comfyui; a worker has loops instead of workers. */
  name: string;
  status: HealthStatus;
  latencyMs: number | null;
  /** An explanation for a person. It must hold no address or secret. */
  message: string | null;
  /** Since when the status holds, as closely as is known, in milliseconds since 1970. */
  since: number;
}

/** The state of one process and of what it depends on. */
export interface ProcessHealth {
  status: HealthStatus;
  version: string;
  checkedAt: number;
  checks: HealthCheck[];
}

/** The report of a gateway. */
export interface HealthReport extends ProcessHealth {
  queue: { queued: number; running: number; oldestQueuedSeconds: number | null; workers: number };
}

/** Never rejects, and resolves within a bound. At most one report is made at a time, and it is shared for a second. */
export type Health<Report extends ProcessHealth = HealthReport> = () => Promise<Report>;

/** The probes that an orchestrator runs on a part of the process, the gateway or the worker. */
export interface Probes {
  /** Names what hangs so that only a restart helps; empty while the part lives. Its dependencies do not count. */
  hangs(): string[];
  /** The reasons why the part cannot work now; empty when it can. */
  whyNotReady(): Promise<string[]>;
  report: Health<ProcessHealth>;
}
