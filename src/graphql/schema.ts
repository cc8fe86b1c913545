import type { GraphQLSchema } from 'graphql';
import type { WorkflowCatalogue } from '../workflows/catalogue.ts';
import { addArtifact } from './artifact/artifact-type.ts';
import { addBackend, addBackendMutations } from './backend/backend-type.ts';
import { createBuilder } from './builder.ts';
import { addViewer } from './caller/viewer-type.ts';
import { addWatchToken } from './caller/watch-token-type.ts';
import { countAnswers } from './engine/count-answers.ts';
import { addHealth } from './health/health-type.ts';
import { addJobConnection } from './job/job-connection.ts';
import { addJobEnums } from './job/job-enums.ts';
import { addJobFilter } from './job/job-filter.ts';
import { addJobMutations } from './job/job-mutations.ts';
import { addJobQueries } from './job/job-queries.ts';
import { addJobSubscriptions } from './job/job-subscriptions.ts';
import { addJob } from './job/job-type.ts';
import { addLimits } from './limits/limits-type.ts';
import { addDateTime } from './scalars/date-time.ts';
import { addJson } from './scalars/json.ts';
import { addSafeInt } from './scalars/safe-int.ts';
import { addUpload, addUploadMutations } from './upload/upload-type.ts';
import { addFileKind } from './workflow/file-input.ts';
import { addWorkflowInput } from './workflow/workflow-input.ts';
import { addWorkflowMutations } from './workflow/workflow-mutations.ts';
import { addWorkflow } from './workflow/workflow-type.ts';

/**
 * The schema over a catalogue, whose workflows are the fields of WorkflowInput. Resolvers take everything else from the
 * context (GraphContext). Throws when the catalogue has names that collide with the schema's own.
 */
export function createSchema(catalogue: WorkflowCatalogue): GraphQLSchema {
  const builder = createBuilder();
  addDateTime(builder);
  addJson(builder);
  addSafeInt(builder);
  const enums = addJobEnums(builder);
  const fileKind = addFileKind(builder);
  const workflowInput = addWorkflowInput(builder, catalogue, fileKind);
  addArtifact(builder);
  addJob(builder, enums);
  addJobConnection(builder);
  addHealth(builder);
  addBackend(builder);
  addWorkflow(builder, fileKind);
  addUpload(builder);
  addLimits(builder);

  builder.queryType({ description: 'What can be read.' });
  builder.mutationType({ description: 'What can be done.' });
  builder.subscriptionType({ description: 'What can be watched.' });
  const jobFilter = addJobFilter(builder, enums);
  addJobQueries(builder, jobFilter);
  addViewer(builder);
  addJobMutations(builder, enums, workflowInput);
  addUploadMutations(builder);
  addWorkflowMutations(builder);
  addBackendMutations(builder);
  addWatchToken(builder);
  addJobSubscriptions(builder, enums, jobFilter);
  const schema = builder.toSchema();
  countAnswers(schema);
  return schema;
}
