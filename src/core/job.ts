import * as z from 'zod';

/** Any JSON value. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export const jobStatuses = ['QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELED'] as const;
export type JobStatus = (typeof jobStatuses)[number];
export type TerminalStatus = 'SUCCEEDED' | 'FAILED' | 'CANCELED';

export const priorities = ['LOW', 'NORMAL', 'HIGH'] as const;
export type Priority = (typeof priorities)[number];

export const jobErrorCodes = [
  'WORKFLOW_REJECTED',
  'INPUT_INVALID',
  'EXECUTION_FAILED',
  'INTERRUPTED',
  'OUT_OF_MEMORY',
  'NO_OUTPUT',
  'OUTPUT_INVALID',
  'COMFYUI_UNAVAILABLE',
  'STORAGE_UNAVAILABLE',
  'STORAGE_FULL',
  'TIMEOUT',
  'INTERNAL',
] as const;
export type JobErrorCode = (typeof jobErrorCodes)[number];

/** Failures of the installation, not of what the caller asked for: the same job may well succeed at another time. */
export const retryableErrorCodes = [
  'INTERRUPTED',
  'OUT_OF_MEMORY',
  'OUTPUT_INVALID',
  'COMFYUI_UNAVAILABLE',
  'STORAGE_UNAVAILABLE',
  'STORAGE_FULL',
  'TIMEOUT',
  'INTERNAL',
] as const satisfies readonly JobErrorCode[];

/** Why a job is FAILED. `message` is for a person and holds nothing of the installation. */
export const jobErrorSchema = z.object({
  /** A code of a newer version, which was rolled back since, reads as INTERNAL. */
  code: z.enum(jobErrorCodes).catch('INTERNAL'),
  message: z.string(),
  nodeId: z.string().nullable(),
  classType: z.string().nullable(),
  retryable: z.boolean(),
});
export type JobError = z.infer<typeof jobErrorSchema>;

export const progressSchema = z.object({
  /** 0 to 1; 1 only when SUCCEEDED. */
  fraction: z.number().min(0).max(1),
  nodesDone: z.int().min(0),
  nodesTotal: z.int().min(0),
  node: z
    .object({
      id: z.string(),
      classType: z.string(),
      title: z.string().nullable(),
      step: z.int().nullable(),
      totalSteps: z.int().nullable(),
    })
    .nullable(),
});
export type Progress = z.infer<typeof progressSchema>;

export const artifactKinds = ['image', 'video', 'audio', 'text', 'file'] as const;
export type ArtifactKind = (typeof artifactKinds)[number];

/** A stored result. `key` is its name in the artifact store; everything else is public. */
export const artifactSchema = z.object({
  id: z.string(),
  key: z.string(),
  kind: z.enum(artifactKinds),
  filename: z.string(),
  contentType: z.string(),
  sizeBytes: z.int().min(0),
  sha256: z.string(),
  node: z.string(),
  /** Name that the workflow gives to what this node makes; null where it gives none. */
  output: z.string().nullable().default(null),
  width: z.int().nullable(),
  height: z.int().nullable(),
  durationSeconds: z.number().nullable().default(null),
});
export type Artifact = z.infer<typeof artifactSchema>;

/** How long a node of the graph took, as its worker saw it. `cached`: ComfyUI had its result already. */
export const nodeTimingSchema = z.object({
  nodeId: z.string(),
  classType: z.string(),
  ms: z.number().min(0),
  cached: z.boolean(),
});
export type NodeTiming = z.infer<typeof nodeTimingSchema>;

/**
 * The prompt that stands for a job at one ComfyUI: its number (1, 2, …) and the server's configured name. Written
 * before the POST, so that after any crash a worker can ask that server for it.
 */
export interface Submission {
  number: number;
  backend: string;
  /** The client id that its messages go to: whoever takes the job over listens under it. */
  client: string;
}

/** A job as its record holds it. Times are milliseconds since 1970 on Redis's clock. */
export interface Job {
  id: string;
  caller: string;
  status: JobStatus;
  /** Name in the catalogue, or `custom`. */
  workflow: string;
  /** SHA-256 of the template that the job runs on; null for `custom`, whose graph is a parameter. */
  template: string | null;
  parameters: { [name: string]: Json };
  priority: Priority;
  /** The queue's priority number; smaller runs first. */
  order: number;
  tags: string[];
  /** The job that this one runs again. */
  retryOf: string | null;
  progress: Progress;
  /** While it is RUNNING those of this attempt that are stored already; of one that has SUCCEEDED all, in order. */
  artifacts: Artifact[];
  error: JobError | null;
  /** Of the attempt that ended it, in the order in which the nodes ran; [] before. */
  timings: NodeTiming[];
  /** How often a worker has claimed it. */
  attempts: number;
  /** Attempts that failed for a reason that counts against JOB_ATTEMPTS. */
  failures: number;
  /** Claims of a job that another worker had left RUNNING. */
  takeovers: number;
  /** The fence: raised by each claim; only its holder may write. */
  lease: number;
  submission: Submission | null;
  /** The ticket that it has, see docs/fair-share.md; null while it waits for one, and when it has ended. */
  ticket: string | null;
  /** Whether nothing of the latest attempt has begun: its prompt waits inside a server, or is on its way there. */
  waits: boolean;
  /** Number of the last event. */
  seq: number;
  /** Of the HTTP request or WebSocket operation that made the job. */
  requestId: string;
  /** W3C trace context of what made the job, for the spans of its workers; null where nothing is traced. */
  traceparent: string | null;
  cancelRequestedAt: number | null;
  createdAt: number;
  startedAt: number | null;
  /** Of the latest claim. */
  claimedAt: number | null;
  finishedAt: number | null;
  deadlineAt: number;
  expiresAt: number | null;
}

export const noProgress: Progress = { fraction: 0, nodesDone: 0, nodesTotal: 0, node: null };

export function isTerminal(status: JobStatus): status is TerminalStatus {
  return status === 'SUCCEEDED' || status === 'FAILED' || status === 'CANCELED';
}

export interface JobFilter {
  status: JobStatus[] | null;
  workflow: string | null;
  tag: string | null;
  createdAfter: number | null;
  createdBefore: number | null;
}
