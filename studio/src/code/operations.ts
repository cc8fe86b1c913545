import type { JobFilter } from '@comfygate/client';
import * as documents from './documents.ts';
import { Source, toLiteral } from './literal.ts';
import { GRAPH, isJson, type NeededFile, type Operation, oneLine, placeholder } from './operation.ts';

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
  const variable = replaceFiles(input, (file) => {
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
    query: documents.GENERATE,
    variables: { input: { idempotencyKey, workflow: { [workflow]: variable }, ...given } },
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

export interface ListOptions {
  first: number;
  after?: string | null;
  filter?: JobFilter;
}

export function list({ first, after, filter }: ListOptions): Operation {
  const variables = { first, ...(after && { after }), ...(filter && { filter }) };
  return {
    query: documents.LIST,
    variables,
    client: `const { nodes, pageInfo } = await comfy.jobs(${toLiteral(variables)});`,
  };
}

/** With addresses from which browsers save the files. */
export const download = (id: string): Operation => ({
  query: documents.DOWNLOAD,
  variables: { id },
  client: `const { artifacts } = await comfy.job(${toLiteral(id)});`,
});

/** All files of several jobs. */
export const downloadAll = (ids: readonly string[]): Operation => ({
  query: documents.DOWNLOAD,
  variables: {},
  ids,
  client: `for (const id of ${toLiteral(ids)}) {
  for (const { url } of (await comfy.job(id)).artifacts) console.log(url);
}`,
});

export const watch = (id: string): Operation => ({
  query: documents.WATCH,
  variables: { id },
  client: `for await (const { type, job } of comfy.watch(${toLiteral(id)})) console.log(type, job.progress.fraction);`,
});

export const cancel = (id: string): Operation => ({
  query: documents.CANCEL,
  variables: { id },
  client: `await comfy.cancel(${toLiteral(id)});`,
});

export const retry = (id: string, idempotencyKey: string): Operation => ({
  query: documents.AGAIN,
  variables: { id, idempotencyKey },
  client: `const job = await comfy.retry(${toLiteral(id)});`,
});

export const remove = (id: string): Operation => ({
  query: documents.DELETE,
  variables: { id },
  client: `await comfy.delete(${toLiteral(id)});`,
});

export const removeAll = (ids: readonly string[]): Operation => ({
  query: documents.DELETE,
  variables: {},
  ids,
  client: `for (const id of ${toLiteral(ids)}) await comfy.delete(id);`,
});

/** Its answer has the id that inputs name it by. */
export const upload = (file: NeededFile): Operation => ({
  query: documents.CREATE_UPLOAD,
  variables: { input: { filename: file.name, contentType: file.type, size: file.size } },
  client: `const { upload } = ${sent(file)};`,
  puts: file,
});

/** `source`: a file of JSON, or one that ComfyUI has made and that carries its workflow. */
export function addWorkflow(source: NeededFile, options: { name: string; replace: boolean }): Operation {
  const isGraph = isJson(source);
  const replace = options.replace ? { replace: true } : {};
  const input = (given: unknown) => ({ source: given, name: options.name, ...replace });
  const graph = new Source(`JSON.parse(await readFile(${toLiteral(source.name)}, 'utf8'))`);
  return {
    query: documents.ADD_WORKFLOW,
    variables: { input: input(isGraph ? { graph: GRAPH } : { upload: placeholder(0) }) },
    client: `const { addWorkflow } = ${queried(documents.ADD_WORKFLOW, {
      input: input(isGraph ? { graph } : new Source(sent(source))),
    })}`,
    ...(isGraph ? { graph: source.name } : { files: [source] }),
  };
}

const sent = ({ name, type }: NeededFile) =>
  `await comfy.upload(await openAsBlob(${toLiteral(name)}, ${toLiteral({ type })}), ${toLiteral({ filename: name })})`;

export const drain = (name: string): Operation => ({
  query: documents.DRAIN,
  variables: { name },
  client: queried(documents.DRAIN, { name }),
});

export const resume = (name: string): Operation => ({
  query: documents.RESUME,
  variables: { name },
  client: queried(documents.RESUME, { name }),
});

const queried = (document: string, variables: Record<string, unknown>) =>
  `await comfy.query(
  ${toLiteral(oneLine(document))},
  ${toLiteral(variables, '  ')},
);`;

export const backends = (): Operation => ({
  query: documents.SERVERS,
  variables: {},
  client: 'const backends = await comfy.backends();',
});

export const workflows = (): Operation => ({
  query: documents.WORKFLOWS,
  variables: {},
  client: 'const workflows = await comfy.workflows();',
});

export const viewer = (): Operation => ({
  query: documents.VIEWER,
  variables: {},
  client: 'const { scopes, limits } = await comfy.viewer();',
});

export const installation = (): Operation => ({
  query: documents.LIMITS,
  variables: {},
  client: 'const { maxUploadBytes } = await comfy.limits();',
});
