import type { JobFilter } from '@comfygate/client';
import { Source, toLiteral } from './literal.ts';
import { type NeededFile, type Operation, placeholder } from './operation.ts';

/** Methods of the client that a workflow of the same name does not replace. */
const METHODS = new Set([
  ...['run', 'start', 'job', 'jobs', 'watch', 'watchAll', 'cancel', 'retry', 'delete', 'upload', 'workflows'],
  ...['workflow', 'backends', 'viewer', 'limits', 'health', 'watchToken', 'query', 'state', 'onState', 'onResume'],
  ...['connection', 'close', 'result', 'url', 'then', 'toJSON'],
]);

const RESULTS: Record<string, string> = {
  IMAGE: 'images',
  VIDEO: 'videos',
  AUDIO: 'audios',
  TEXT: 'texts',
  FILE: 'files',
};

export interface GenerateOptions {
  idempotencyKey: string;
  priority?: 'LOW' | 'NORMAL' | 'HIGH';
  tags?: string[];
  deadlineSeconds?: number;
  /** `Workflow.makes`: which results the client's line names. */
  makes?: readonly string[];
}

/** `input` is that of the workflow; a `File` or `Blob` in it is one that the caller sends first. */
export function generate(workflow: string, input: Record<string, unknown>, options: GenerateOptions): Operation {
  const { makes = [], idempotencyKey, ...rest } = options;
  const files: NeededFile[] = [];
  const sent = replaceFiles(input, (file) => {
    const name = file instanceof File ? file.name : 'file';
    files.push({ name, type: file.type || 'application/octet-stream', size: file.size });
    return { upload: placeholder(files.length - 1) };
  });
  const written = replaceFiles(input, (file) => {
    const name = file instanceof File ? file.name : 'file';
    return new Source(`await openAsBlob(${toLiteral(name)}, ${toLiteral({ type: file.type })})`);
  });
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  const results = RESULTS[makes.length === 1 ? (makes[0] ?? '') : ''] ?? 'artifacts';
  const call = METHODS.has(workflow) ? `run(${toLiteral(workflow)}, ` : `${workflow}(`;
  const more = Object.keys(given).length > 0 ? `, ${toLiteral(given)}` : '';
  return {
    query: `mutation Generate($input: GenerateInput!) {
  generate(input: $input) {
    job { id status queuePosition }
  }
}`,
    variables: { input: { idempotencyKey, workflow: { [workflow]: sent }, ...given } },
    client: `const { ${results} } = await comfy.${call}${toLiteral(written)}${more});`,
    ...(files.length > 0 && { files }),
  };
}

function replaceFiles(value: unknown, replace: (file: Blob) => unknown): unknown {
  if (value instanceof Blob) return replace(value);
  if (Array.isArray(value)) return value.map((each) => replaceFiles(each, replace));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, replaceFiles(each, replace)]));
}

const JOB = `fragment JobParts on Job {
  id status seq workflow parameters priority tags queuePosition attempts backend retryOf
  createdAt startedAt finishedAt deadlineAt cancelRequestedAt expiresAt
  progress { fraction nodesDone nodesTotal node { nodeId classType title step totalSteps } }
  error { code message retryable nodeId classType }
  timings { nodeId classType ms cached }
  artifacts {
    __typename id filename contentType size sha256 node output url urlExpiresAt
    ... on ImageArtifact { width height thumbnail: url(format: WEBP, width: 512) }
    ... on VideoArtifact { width height durationSeconds }
    ... on AudioArtifact { durationSeconds }
  }
}`;

export interface ListOptions {
  first: number;
  after?: string | null;
  filter?: JobFilter;
}

export function list({ first, after, filter }: ListOptions): Operation {
  const variables = { first, ...(after && { after }), ...(filter && { filter }) };
  return {
    query: `query Jobs($first: Int, $after: String, $filter: JobFilter) {
  jobs(first: $first, after: $after, filter: $filter) {
    nodes { ...JobParts }
    pageInfo { endCursor hasNextPage }
  }
}

${JOB}`,
    variables,
    client: `const { nodes, pageInfo } = await comfy.jobs(${toLiteral(variables)});`,
  };
}

/** With addresses from which browsers save the files. */
export const download = (id: string): Operation => ({
  query: `query Download($id: ID!) {
  job(id: $id) {
    artifacts { id filename size url(download: true) }
  }
}`,
  variables: { id },
  client: `const { artifacts } = await comfy.job(${toLiteral(id)});`,
});

export const watch = (id: string): Operation => ({
  query: `subscription Watch($id: ID!) {
  jobProgress(id: $id, previews: true) {
    type
    job { status queuePosition progress { fraction node { title step totalSteps } } artifacts { filename url } }
    preview { contentType data }
  }
}`,
  variables: { id },
  client: `for await (const { type, job } of comfy.watch(${toLiteral(id)})) console.log(type, job.progress.fraction);`,
});

export const cancel = (id: string): Operation => ({
  query: `mutation Cancel($id: ID!) {
  cancelJob(id: $id) { id status cancelRequestedAt }
}`,
  variables: { id },
  client: `await comfy.cancel(${toLiteral(id)});`,
});

export const retry = (id: string, idempotencyKey: string): Operation => ({
  query: `mutation Again($id: ID!, $idempotencyKey: String!) {
  retryJob(id: $id, idempotencyKey: $idempotencyKey) {
    job { id status queuePosition retryOf }
  }
}`,
  variables: { id, idempotencyKey },
  client: `const job = await comfy.retry(${toLiteral(id)});`,
});

export const remove = (id: string): Operation => ({
  query: `mutation Delete($id: ID!) {
  deleteJob(id: $id)
}`,
  variables: { id },
  client: `await comfy.delete(${toLiteral(id)});`,
});

export const drain = (name: string): Operation => ({
  query: `mutation Drain($name: String!) {
  drainBackend(name: $name) { name status running queued }
}`,
  variables: { name },
  client: queried('mutation($name: String!) { drainBackend(name: $name) { status } }', { name }),
});

export const resume = (name: string): Operation => ({
  query: `mutation Resume($name: String!) {
  resumeBackend(name: $name) { name status running queued }
}`,
  variables: { name },
  client: queried('mutation($name: String!) { resumeBackend(name: $name) { status } }', { name }),
});

const queried = (document: string, variables: Record<string, unknown>) =>
  `await comfy.query(${toLiteral(document)}, ${toLiteral(variables)});`;

export const backends = (): Operation => ({
  query: `query Servers {
  backends { name status queued running lastSeenAt message comfyuiVersion devices }
}`,
  variables: {},
  client: 'const backends = await comfy.backends();',
});

export const workflows = (): Operation => ({
  query: `query Workflows {
  workflows {
    name title description makes
    backends { backend canRun missing }
    parameters {
      name title description type required advanced list multiline default
      minimum maximum multipleOf maxLength fileKind choices { value label }
    }
  }
}`,
  variables: {},
  client: 'const workflows = await comfy.workflows();',
});

export const viewer = (): Operation => ({
  query: `query Viewer {
  viewer { id name scopes plan limits { name limit remaining resetsAt } }
}`,
  variables: {},
  client: 'const { scopes, limits } = await comfy.viewer();',
});

export const installation = (): Operation => ({
  query: `query Limits {
  limits { maxUploadBytes maxMegapixels maxWaitSeconds maxDeadlineSeconds maxTags }
}`,
  variables: {},
  client: 'const { maxUploadBytes } = await comfy.limits();',
});
