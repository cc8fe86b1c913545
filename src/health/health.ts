export type HealthStatus = 'HEALTHY' | 'DEGRADED' | 'UNHEALTHY';

export interface HealthCheck {
  /** redis, storage, workers or comfyui; of a worker also loops. */
  name: string;
  status: HealthStatus;
  latencyMs: number | null;
  /** For a person; no address or secret. */
  message: string | null;
  /** Since when the status is as it is, as closely as is known. */
  since: number;
}

/** State of one process and of what it depends on. */
export interface ProcessHealth {
  status: HealthStatus;
  version: string;
  checkedAt: number;
  checks: HealthCheck[];
}

/** A gateway's. */
export interface HealthReport extends ProcessHealth {
  queue: { queued: number; running: number; oldestQueuedSeconds: number | null; workers: number };
}

/** Never rejects and answers within a bound; at most one check runs at a time and its report is shared for a second. */
export type Health<Report extends ProcessHealth = HealthReport> = () => Promise<Report>;

/** What an orchestrator asks a part of the process: gateway or worker. */
export interface Probes {
  /** What hangs, so that only a restart helps; nothing while it lives. What it depends on has no part in it. */
  hangs(): string[];
  /** Why it can do no work now; nothing when it can. */
  whyNotReady(): Promise<string[]>;
  report: Health<ProcessHealth>;
}
