import type { SeenBackend } from '../backends/backends.ts';
import { type Identity, mayRun } from '../callers/identity.ts';
import type { Workflow, WorkflowCatalogue } from '../workflows/catalogue.ts';
import { type JsonSchema, parametersSchema } from './parameter-schema.ts';

export interface Tool {
  name: string;
  title: string;
  description: string;
  inputSchema: { type: 'object'; [keyword: string]: JsonSchema[string] };
  annotations: { readOnlyHint: boolean; destructiveHint: boolean; openWorldHint: boolean };
}

export interface ToolPage {
  tools: Tool[];
  /** Where the next page begins; undefined behind the last. */
  nextCursor?: string;
}

/** A tool of a usual workflow is some 3 KB. */
const PAGE = 100;

/** Longer than most clients wait for an answer they give up on: a minute. */
export const USUAL_WAIT_SECONDS = 45;
export const MOST_WAIT_SECONDS = 600;

const waitSeconds: JsonSchema = {
  type: 'integer',
  minimum: 0,
  maximum: MOST_WAIT_SECONDS,
  default: USUAL_WAIT_SECONDS,
  description: 'How long to wait for the result. What takes longer goes on, and `job` waits for it again.',
};

const jobId: JsonSchema = { type: 'string', description: 'The id of a job of yours.' };

const idempotencyKey: JsonSchema = {
  type: 'string',
  minLength: 1,
  maxLength: 255,
  description: 'Yours to choose, kept for a day: the same key and input give the same job, however often it is called.',
};

/** Behind the parameters of a workflow, one of which may have the same name and goes before. */
const OPTIONS: JsonSchema = { waitSeconds, idempotencyKey };

const calm = { readOnlyHint: false, destructiveHint: false, openWorldHint: false };

const JOB: Tool = {
  name: 'job',
  title: 'Read or await a job',
  description: 'How a job stands, with its results where it has ended. Waits for its end.',
  inputSchema: {
    type: 'object',
    properties: { id: jobId, waitSeconds },
    required: ['id'],
    additionalProperties: false,
  },
  annotations: { ...calm, readOnlyHint: true },
};

const CANCEL_JOB: Tool = {
  name: 'cancel_job',
  title: 'Cancel a job',
  description: 'Ends a job that waits or runs. What it has made by then is lost.',
  inputSchema: { type: 'object', properties: { id: jobId }, required: ['id'], additionalProperties: false },
  annotations: { ...calm, destructiveHint: true },
};

const CREATE_UPLOAD: Tool = {
  name: 'create_upload',
  title: 'Send an input file',
  description:
    'An address to send a local file to by an HTTP PUT, for workflows that take a file. Then name the id as `upload`.',
  inputSchema: {
    type: 'object',
    properties: {
      filename: { type: 'string', minLength: 1, maxLength: 255, description: 'Only shown.' },
      contentType: { type: 'string', description: 'Such as image/png, image/jpeg, audio/mpeg, video/mp4.' },
      size: { type: 'integer', minimum: 1, description: 'In bytes, exactly.' },
    },
    required: ['filename', 'contentType', 'size'],
    additionalProperties: false,
  },
  annotations: calm,
};

const FIXED = [JOB, CANCEL_JOB, CREATE_UPLOAD];

/** A workflow's name, but for one that a fixed tool has: no workflow has a hyphen in its name. */
export function toolNameOf(workflow: string): string {
  return FIXED.some(({ name }) => name === workflow) ? `${workflow}-workflow` : workflow;
}

/** The name of the workflow that a tool runs; it may be none that there is. */
export const workflowNameOf = (tool: string): string => tool.replace(/-workflow$/, '');

/**
 * The tools that an identity may use: some for jobs, and one for each workflow. `cursor`: `nextCursor` of the page
 * before; whatever came or went meanwhile, none is twice in it.
 */
export function listTools(
  { workflows }: WorkflowCatalogue,
  identity: Identity,
  backends: readonly SeenBackend[],
  cursor: string | undefined,
): ToolPage {
  const { scopes } = identity;
  const writes = scopes.has('job:write');
  const runnable = workflows.filter(({ name }) => writes && mayRun(identity, name));
  const left = cursor === undefined ? runnable : runnable.filter(({ name }) => name > cursor);
  const shown = left.slice(0, PAGE);
  const fixed = FIXED.filter((tool) => (tool === JOB ? scopes.has('job:read') : writes));
  const last = shown.at(-1);
  return {
    tools: [...(cursor === undefined ? fixed : []), ...shown.map((workflow) => toolOf(workflow, backends))],
    ...(last && left.length > PAGE && { nextCursor: last.name }),
  };
}

function toolOf(workflow: Workflow, backends: readonly SeenBackend[]): Tool {
  const { name, title, description, makes, parameters } = workflow;
  const made = makes.length > 0 ? ` Makes: ${makes.join(', ')}.` : '';
  const own = parametersSchema(workflow, backends);
  const options = Object.entries(OPTIONS).filter(([option]) => !(option in own));
  const required = parameters.filter((parameter) => parameter.required).map((parameter) => parameter.name);
  return {
    name: toolNameOf(name),
    title,
    description: `${description ?? title}${made}`,
    inputSchema: {
      type: 'object',
      properties: { ...own, ...Object.fromEntries(options) },
      required,
      additionalProperties: false,
    },
    annotations: calm,
  };
}
