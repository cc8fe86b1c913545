export type HealthStatus = 'HEALTHY' | 'DEGRADED' | 'UNHEALTHY';

export interface HealthCheck {
  /** redis, storage, workers or comfyui. */
  name: string;
  status: HealthStatus;
  latencyMs: number | null;
  /** For a person; no address or secret. */
  message: string | null;
}

export interface HealthReport {
  status: HealthStatus;
  version: string;
  checkedAt: number;
  checks: HealthCheck[];
  queue: { queued: number; running: number; oldestQueuedSeconds: number | null; workers: number };
}

/** Never rejects and answers within a bound; at most one check runs at a time and its report is shared for a second. */
export type Health = () => Promise<HealthReport>;
