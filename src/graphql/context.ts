import type { ArtifactStore } from '../artifacts/artifact-store.ts';
import type { BackendDirectory } from '../backends/backends.ts';
import type { NodeDefinitionsDirectory } from '../backends/node-definitions.ts';
import type { Identity } from '../callers/identity.ts';
import type { Plans } from '../callers/plans.ts';
import type { OnLimits } from '../core/limits.ts';
import type { Health } from '../health/health.ts';
import type { Jobs } from '../jobs/jobs.ts';
import type { WatchJobs } from '../jobs/watch-jobs.ts';
import type { WorkflowAdder } from '../operator/add-workflow.ts';
import type { ChangeBackends } from '../operator/change-backends.ts';
import type { JobChanges } from '../progress/job-changes.ts';
import type { ProgressFeed } from '../progress/progress.ts';
import type { Uploads } from '../uploads/upload.ts';
import type { VariantAddresses } from '../variants/variant-addresses.ts';
import type { WorkflowCatalogue } from '../workflows/catalogue.ts';
import type { ArtifactTexts } from './artifact/artifact-texts.ts';
import type { Budget } from './engine/budgets.ts';

/** What the configuration bounds and callers need to know. */
export interface InstallationLimits {
  maxUploadBytes: number;
  /** In millions of pixels. */
  maxMegapixels: number;
  maxDeadlineSeconds: number;
}

/** What resolvers work with: use cases and ports, never a driver. */
export interface GraphServices {
  jobs: Jobs;
  /** What callers may have open at a time. */
  plans: Pick<Plans, 'boundsOf'>;
  uploads: Uploads;
  watchJobs: WatchJobs;
  feed: ProgressFeed;
  changes: Pick<JobChanges, 'watch'>;
  health: Health;
  catalogue: WorkflowCatalogue;
  workflowAdder: WorkflowAdder;
  backends: Pick<BackendDirectory, 'backends'>;
  changeBackends: ChangeBackends;
  nodeDefinitions: Pick<NodeDefinitionsDirectory, 'read'>;
  artifacts: Pick<ArtifactStore, 'url'>;
  variants: Pick<VariantAddresses, 'url'>;
  texts: ArtifactTexts;
  /** How long a signed address works at least, and stays the same, when the caller does not say; in seconds. */
  artifactUrlTtlSeconds: number;
  limits: InstallationLimits;
  /** Milliseconds since 1970, by the clock that addresses are signed by. */
  now: () => number;
}

/** Of one operation, whichever transport it came by. */
export interface OperationContext {
  requestId: string;
  /** Who calls. */
  identity: Identity;
  /** Of the connection that it came by, as it is written into the audit log. */
  address?: string | undefined;
  /** Whom it is counted against, see client-address.ts. */
  client: string;
  budget: Budget;
  /** Of the last event that the client has, where it says so itself when it connects again, as EventSource does. */
  lastSeq?: number | undefined;
  /**
   * Resolves when it is its client's turn on the event loop; what it does at once is counted as its time. Undefined:
   * its transport takes turns by itself, since watchers share what is made of events.
   */
  turn?: () => Promise<void>;
  /** Called with what it has used of its caller's limits. Undefined: its transport tells nothing of them. */
  onLimits?: OnLimits | undefined;
  /** Aborts when the client has left, so that nothing is kept for it; at a socket also once its answer is out. */
  signal: AbortSignal;
}

export interface GraphContext extends OperationContext {
  services: GraphServices;
}
