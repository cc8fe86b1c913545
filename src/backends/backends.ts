import * as z from 'zod';

/** What a worker last saw of one ComfyUI. No address in it: everything here may be shown. */
export const backendReportSchema = z.object({
  name: z.string(),
  status: z.enum(['UP', 'DOWN']),
  comfyuiVersion: z.string().nullable(),
  queued: z.int(),
  running: z.int(),
  /** For a person, only when DOWN. */
  message: z.string().nullable(),
  /** Options that the server offers, by `Class.input`, for the MODEL parameters of the catalogue. */
  models: z.record(z.string(), z.array(z.string())),
});
export type BackendReport = z.infer<typeof backendReportSchema>;

export interface SeenBackend extends BackendReport {
  /** When a worker last reported it, and when one last reached it (0: never). Milliseconds on Redis's clock. */
  reportedAt: number;
  lastSeenAt: number;
}

/** Written by workers. */
export interface BackendReporter {
  /** Says that the worker lives and what it sees; called every few seconds. */
  report(workerId: string, backends: BackendReport[]): Promise<void>;
  /** The worker stops in good order. */
  leave(workerId: string): Promise<void>;
  /** Whether a live worker, other than this one, reaches that backend. */
  reportedByOthers(workerId: string, backend: string): Promise<boolean>;
}

/** Read by gateways. */
export interface BackendDirectory {
  backends(): Promise<SeenBackend[]>;
  liveWorkers(): Promise<number>;
}
