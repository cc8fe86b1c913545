export type ParameterType = 'BOOLEAN' | 'ENUM' | 'FILE' | 'FLOAT' | 'INT' | 'MODEL' | 'SEED' | 'STRING';
export type FileKind = 'AUDIO' | 'IMAGE' | 'MASK' | 'VIDEO';

/** Something that a workflow lets its caller choose; see `WorkflowParameter` of the schema. */
export interface WorkflowParameter {
  name: string;
  title: string;
  description: string | null;
  type: ParameterType;
  required: boolean;
  advanced: boolean;
  list: boolean;
  multiline: boolean;
  default: unknown;
  minimum: number | null;
  maximum: number | null;
  multipleOf: number | null;
  maxLength: number | null;
  fileKind: FileKind | null;
  choices: { value: string; label: string }[] | null;
}

/** A workflow of the catalogue. */
export interface Workflow {
  name: string;
  title: string;
  description: string | null;
  makes: ('AUDIO' | 'FILE' | 'IMAGE' | 'TEXT' | 'VIDEO')[];
  parameters: WorkflowParameter[];
  /** What the known ComfyUI servers have of what it needs. */
  backends: { backend: string; canRun: boolean; missing: string[] }[];
}

/** A ComfyUI server. */
export interface Backend {
  name: string;
  status: 'UP' | 'DOWN' | 'DRAINING';
  queued: number;
  running: number;
  lastSeenAt: string;
  /** These three only for the scope `admin`. */
  message: string | null;
  comfyuiVersion: string | null;
  devices: string[];
}

/** Who calls, and what it may do. */
export interface Viewer {
  id: string;
  name: string;
  scopes: string[];
  plan: string | null;
  limits: { name: string; limit: number; remaining: number; resetsAt: string | null }[];
}

/** What the installation bounds. */
export interface InstallationLimits {
  maxUploadBytes: number;
  maxMegapixels: number;
  maxWaitSeconds: number;
  maxDeadlineSeconds: number;
  maxTags: number;
}

export type HealthStatus = 'HEALTHY' | 'DEGRADED' | 'UNHEALTHY';

export interface Health {
  status: HealthStatus;
  version: string;
  checkedAt: string;
  checks: { name: string; status: HealthStatus; latencyMs: number | null; since: string; message: string | null }[];
  queue: { queued: number; running: number; workers: number; oldestQueuedSeconds: number | null };
}

/** Lets a browser watch, read and fetch some jobs, and do nothing else. */
export interface WatchToken {
  token: string;
  expiresAt: string;
}
