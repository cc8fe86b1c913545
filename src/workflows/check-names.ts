/** GraphQL's names, those that introspection keeps to itself left out. */
const GRAPHQL_NAME = /^(?!__)[A-Za-z_][A-Za-z0-9_]*$/;
const MAX_NAME_LENGTH = 64;

/** Types of the schema besides those that workflows bring, the ones to come included: a workflow must not take their names. */
const SCHEMA_TYPES = new Set(
  `Query Mutation Subscription Int Float String Boolean ID DateTime JSON SafeInt
  GenerateInput WorkflowInput CustomWorkflowInput GeneratePayload JobStatus Priority Job Progress ProgressNode NodeTiming
  JobEventType JobEvent Preview Artifact ImageArtifact VideoArtifact AudioArtifact TextArtifact FileArtifact ImageFormat
  JobErrorCode JobError JobFilter JobConnection JobEdge Node PageInfo HealthStatus Health HealthCheck QueueHealth Workflow
  WorkflowBackend ParameterType WorkflowParameter Choice BackendStatus Backend CreateUploadInput Upload FileInput Viewer
  Limit CustomFileInput FileKind`.split(/\s+/),
);

/** Why a name will not do in GraphQL, or null. */
export function nameFault(name: string): string | null {
  if (name.length > MAX_NAME_LENGTH)
    return `expected a name of at most ${MAX_NAME_LENGTH} characters, got ${name.length}`;
  if (GRAPHQL_NAME.test(name)) return null;
  return 'expected a GraphQL name: letters, digits and _, no digit in front and not two _';
}

/** Why a name will not do for a type that a workflow brings, or null. */
export function typeNameFault(name: string): string | null {
  return nameFault(name) ?? (SCHEMA_TYPES.has(name) ? `${name} is a type of the gateway's own` : null);
}

/** Why a name will not do for an enum value, or null. */
export function enumValueFault(name: string): string | null {
  return ['true', 'false', 'null'].includes(name) ? `GraphQL keeps ${name} to itself` : nameFault(name);
}

/** The GraphQL type of a workflow's input. */
export function inputTypeName(workflow: string): string {
  return `${workflow.charAt(0).toUpperCase()}${workflow.slice(1)}Input`;
}
