import SchemaBuilder from '@pothos/core';
import ScopeAuthPlugin from '@pothos/plugin-scope-auth';
import type { SeenBackend } from '../backends/backends.ts';
import type { Identity } from '../callers/identity.ts';
import type { JobEvent, Preview } from '../core/events.ts';
import type { Job, JobError, Json, NodeTiming, Progress } from '../core/job.ts';
import type { LimitState } from '../core/limits.ts';
import type { HealthCheck, HealthReport } from '../health/health.ts';
import type { JobPage } from '../jobs/jobs.ts';
import type { OpenUpload } from '../uploads/upload.ts';
import type { Choice, Workflow, WorkflowParameter } from '../workflows/catalogue.ts';
import type { ArtifactOfJob } from './artifact/artifact-url.ts';
import type { GraphContext, InstallationLimits } from './context.ts';

/** What stands behind each type of the schema. */
export interface SchemaShapes {
  Context: GraphContext;
  Scalars: {
    ID: { Input: string; Output: string };
    /** Milliseconds since 1970. */
    DateTime: { Input: number; Output: number };
    JSON: { Input: Json; Output: Json };
    SafeInt: { Input: number; Output: number };
  };
  Interfaces: { Artifact: ArtifactOfJob };
  Objects: {
    /** `queuePosition`: where it is known already. */
    Job: Job & { queuePosition?: number };
    Progress: Progress;
    ProgressNode: NonNullable<Progress['node']>;
    NodeTiming: NodeTiming;
    JobError: JobError;
    JobEvent: JobEvent;
    Preview: Preview;
    GeneratePayload: { job: Job; replayed: boolean };
    JobConnection: JobPage & { hasPreviousPage: boolean };
    JobEdge: JobPage['edges'][number];
    PageInfo: {
      hasNextPage: boolean;
      hasPreviousPage: boolean;
      startCursor: string | null;
      endCursor: string | null;
    };
    Health: HealthReport;
    HealthCheck: HealthCheck;
    QueueHealth: HealthReport['queue'];
    Backend: SeenBackend;
    Upload: OpenUpload;
    Workflow: Workflow;
    WorkflowParameter: WorkflowParameter;
    WorkflowBackend: { backend: string; missing: readonly string[] };
    AddWorkflowPayload: { workflow: Workflow; notes: string[] };
    Choice: Choice;
    InstallationLimits: InstallationLimits;
    Limit: LimitState;
    Viewer: Identity;
    WatchToken: { token: string; expiresAt: number };
  };
}

export type SchemaTypes = PothosSchemaTypes.ExtendDefaultTypes<SchemaShapes>;

export type Builder = ReturnType<typeof createBuilder>;

/** A builder collects types, so each schema has its own. */
export function createBuilder() {
  return new SchemaBuilder<SchemaShapes>({
    plugins: [ScopeAuthPlugin],
    // Scopes are asked for by functions, see scopes.ts; a subscription's when it begins, not for each of its events.
    scopeAuth: { authScopes: () => ({}), authorizeOnSubscribe: true },
  });
}
