import type { Logger } from 'pino';
import type { ArtifactStore } from '../src/artifacts/artifact-store.ts';
import type { BackendReporter } from '../src/backends/backends.ts';
import type { NodeDefinitionsDirectory } from '../src/backends/node-definitions.ts';
import type { MediaReader } from '../src/files/media-facts.ts';
import type { WorkerJobStore } from '../src/job-record/job-store.ts';
import type { ThrottledFault } from '../src/observability/throttled.ts';
import type { WorkerMetrics } from '../src/observability/worker-metrics.ts';
import type { PreviewPublisher } from '../src/progress/previews.ts';
import type { DeferredJobs } from './attempt/deferred-jobs.ts';
import type { LoadTemplate } from './attempt/load-plan.ts';
import type { PlacedFiles } from './inputs/placed-files.ts';
import type { Pool } from './pool/pool.ts';
import type { NodeTimes } from './progress/node-times.ts';
import type { Reaper } from './prompt/reaper.ts';
import type { Timings } from './timings.ts';

/** What every job of a worker shares. */
export interface JobParts {
  /** How this worker calls itself to others, and its client id at every ComfyUI: unique to the process. */
  workerId: string;
  store: WorkerJobStore;
  artifacts: ArtifactStore;
  reporter: BackendReporter;
  /** When this worker was started: performance.now(). */
  startedAt: number;
  /** What all ComfyUIs of the installation have. */
  knownNodeDefinitions: Pick<NodeDefinitionsDirectory, 'read'>;
  previewPublisher: PreviewPublisher;
  nodeTimes: NodeTimes;
  pool: Pool;
  deferredJobs: DeferredJobs;
  reaper: Reaper;
  loadTemplate: LoadTemplate;
  /** Failures of an attempt in the middle of its work until the job is given up. */
  jobAttempts: number;
  /** Running time of each attempt, in milliseconds. */
  jobTimeoutMs: number;
  /** `preview_method` of every prompt. */
  previewMethod: string;
  tempDir: string;
  placedFiles: PlacedFiles;
  /** Of input files: bytes of one, and origins that the rules for addresses do not apply to. */
  inputs: { maxBytes: number; origins: readonly string[] };
  readMedia: MediaReader;
  timings: Timings;
  /** 0 to 1. */
  random: () => number;
  metrics?: WorkerMetrics | undefined;
  /** Told of each look at a lease that failed: while Redis is slow those of all jobs do, each second. */
  unconfirmed: ThrottledFault;
  log: Logger;
}
