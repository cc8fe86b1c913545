/** Names in GraphQL, except those that begin with two underscores, which introspection reserves. */
const GRAPHQL_NAME = /^(?!__)[A-Za-z_][A-Za-z0-9_]*$/;
const MAX_NAME_LENGTH = 64;

/** The schema's own types, planned ones included. The types of workflows must not have these names. */
const SCHEMA_TYPES = new Set(
  `Query Mutation Subscription Int Float String Boolean ID DateTime JSON SafeInt
  GenerateInput WorkflowInput CustomWorkflowInput CustomFileInput GeneratePayload CreateUploadInput Upload
  Job JobStatus JobError JobErrorCode JobFilter JobConnection JobEdge Node PageInfo Priority NodeTiming
  JobEvent JobEventType Progress ProgressNode Preview
  Artifact ImageArtifact VideoArtifact AudioArtifact TextArtifact FileArtifact ImageFormat FileInput FileKind
  Workflow WorkflowBackend WorkflowParameter ParameterType Choice
  AddWorkflowInput AddWorkflowPayload WorkflowSource WatchToken
  Backend BackendStatus Health HealthStatus HealthCheck QueueHealth Viewer Limit InstallationLimits ArtifactKind`.split(
    /\s+/,
  ),
);

/** Why a name is not valid in GraphQL, or null. */
export function nameFault(name: string): string | null {
  if (name.length > MAX_NAME_LENGTH)
    return `expected a name of at most ${MAX_NAME_LENGTH} characters, got ${name.length}`;
  if (GRAPHQL_NAME.test(name)) return null;
  return 'expected a GraphQL name: letters, digits and _, no digit in front and not two _';
}

/** Why a name is not valid for a type of a workflow, or null. */
export function typeNameFault(name: string): string | null {
  return nameFault(name) ?? (SCHEMA_TYPES.has(name) ? `${name} is a type of the gateway's own` : null);
}

/** Why a name is not valid for an enum value, or null. */
export function enumValueFault(name: string): string | null {
  return ['true', 'false', 'null'].includes(name) ? `GraphQL keeps ${name} to itself` : nameFault(name);
}

/** The name of the GraphQL input type of a workflow. */
export function inputTypeName(workflow: string): string {
  return `${workflow.charAt(0).toUpperCase()}${workflow.slice(1)}Input`;
}
