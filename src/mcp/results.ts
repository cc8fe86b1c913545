import { buffer } from 'node:stream/consumers';
import { StorageError } from '../artifacts/artifact-store.ts';
import { excerpt, GatewayError } from '../core/errors.ts';
import { type Artifact, isTerminal, type Job } from '../core/job.ts';
import { addressOf } from '../graphql/artifact/artifact-url.ts';
import { TOO_MUCH_WAITS } from '../graphql/engine/budgets.ts';
import { VariantError, variantKey, variantOf } from '../variants/variant.ts';
import type { McpCall, McpServices } from './services.ts';

export type Content =
  | { type: 'text'; text: string }
  | { type: 'image'; data: string; mimeType: string }
  | { type: 'resource_link'; uri: string; name: string; mimeType: string; size: number; description: string };

export interface ToolResult {
  content: Content[];
  isError?: boolean;
  [key: string]: unknown;
}

/** What a model looks at: it is told the address of the original. */
const PICTURE_WIDTH = 768;
const MOST_PICTURE_BYTES = 512 * 1024;
const MOST_PICTURES = 4;
const PICTURE_TIMEOUT_MS = 20_000;
/** Links of a job that has made more would be most of what is read. */
const MOST_LINKS = 50;
/** In bytes: its address, its name and what it is. */
const LINK_BYTES = 1_000;
const MOST_TEXT_CHARACTERS = 20_000;
const MOST_PARAMETER_CHARACTERS = 2_000;

export const said = (text: string, isError = false): ToolResult => ({
  content: [{ type: 'text', text }],
  ...(isError && { isError }),
});

/** What a caller is told of an error; anything else is thrown on. `path` is that of the tool's input in its issues. */
export function refusalOf(error: unknown, path: readonly string[] = []): ToolResult {
  if (!(error instanceof GatewayError)) throw error;
  const { message, details } = error;
  if (details.code !== 'BAD_USER_INPUT') {
    const wait = 'retryAfter' in details ? ` Call again in ${Math.ceil(details.retryAfter)} s.` : '';
    return said(`${details.code}: ${message}.${wait}`, true);
  }
  const lines = details.issues.map((issue) => {
    const isWithin = path.every((part, i) => issue.path[i] === part);
    const place = (isWithin ? issue.path.slice(path.length) : issue.path).join('.');
    const hint = issue.suggestion === undefined ? '' : ` (did you mean ${issue.suggestion}?)`;
    return `- ${place || 'input'}: ${issue.message}${hint}`;
  });
  return said(['The input was refused, and nothing was run:', ...lines].join('\n'), true);
}

/** A job as it stands: in words, and of one that has succeeded its results, small pictures of them first. */
export async function describeJob(job: Job, call: McpCall, services: McpServices): Promise<ToolResult> {
  if (!isTerminal(job.status)) return said(openJob(job));
  if (job.status !== 'SUCCEEDED') return said(endedJob(job), true);
  const shown = job.artifacts.slice(0, MOST_LINKS);
  if (!call.keep(shown.length * LINK_BYTES)) return said(`SUCCEEDED: the job ${job.id}. ${TOO_MUCH_WAITS}`, true);
  const pictures = shown.filter(({ kind }) => kind === 'image').slice(0, MOST_PICTURES);
  const images = await Promise.all(pictures.map((artifact) => pictureOf(artifact, call, services)));
  const texts = await Promise.all(
    shown.filter(({ kind }) => kind === 'text').map((artifact) => textOf(artifact, job, call, services)),
  );
  const links = await Promise.all(
    shown.map(async (artifact): Promise<Content> => {
      const { id, kind, filename: name, contentType: mimeType, sizeBytes: size } = artifact;
      const uri = await addressOf({ artifact, expiresAt: job.expiresAt }, {}, services);
      return { type: 'resource_link', uri, name, mimeType, size, description: `${kind}, artifact id ${id}` };
    }),
  );
  const summary: Content = { type: 'text', text: succeededJob(job, shown) };
  return { content: [summary, ...images.flatMap((image) => image ?? []), ...texts, ...links] };
}

function openJob({ id, status, progress, cancelRequestedAt }: Job): string {
  if (cancelRequestedAt !== null) return `${status}: the job ${id} is being canceled.`;
  const percent = Math.floor(progress.fraction * 100);
  const how = status === 'QUEUED' ? 'waits for a server' : `runs, ${percent} % are done`;
  return `${status}: the job ${id} ${how}. Call \`job\` with this id to wait for it, \`cancel_job\` to end it.`;
}

function endedJob({ id, status, error }: Job): string {
  if (!error) return `${status}: the job ${id} was canceled.`;
  const node = error.nodeId === null ? '' : ` (node ${error.nodeId}, ${error.classType ?? 'of an unknown class'})`;
  const advice = error.retryable
    ? 'The installation is to blame: the same call may succeed later.'
    : 'The same call would fail again: change its input.';
  return `${status}: ${error.code}: ${error.message}${node}. The job was ${id}. ${advice}`;
}

function succeededJob({ id, workflow, parameters, artifacts }: Job, shown: readonly Artifact[]): string {
  const lines = shown.map((artifact) => {
    const { kind, contentType, width, height, durationSeconds } = artifact;
    const size = width === null ? '' : `, ${width}x${height}`;
    const length = durationSeconds === null ? '' : `, ${durationSeconds.toFixed(1)} s`;
    return `- ${kind} ${artifact.id}: ${contentType}${size}${length}`;
  });
  const more = artifacts.length - shown.length;
  const given = workflow === 'custom' ? '' : excerpt(JSON.stringify(parameters), MOST_PARAMETER_CHARACTERS);
  const results = artifacts.length === 1 ? '1 result' : `${artifacts.length} results`;
  return [
    `SUCCEEDED: ${workflow} has made ${results}, by artifact id:`,
    ...lines,
    ...(more > 0 ? [`and ${more} more`] : []),
    `The job was ${id}${given && ` with ${given}`}. Each link works for a while; \`job\` with this id gives new ones.`,
  ].join('\n');
}

/** Null where there is none that is small enough, or no time or room for it: its link is there all the same. */
async function pictureOf(artifact: Artifact, call: McpCall, services: McpServices): Promise<Content | null> {
  const variant = variantOf({ format: 'WEBP', width: PICTURE_WIDTH, quality: null }, artifact);
  const key = variant ? variantKey(artifact.key, variant) : artifact.key;
  try {
    const { sizeBytes, contentType } = variant ? await services.variantMaker.ensure(key) : artifact;
    if (sizeBytes > MOST_PICTURE_BYTES || !call.keep(2 * sizeBytes)) return null;
    const body = await services.artifacts.read(key, { signal: AbortSignal.timeout(PICTURE_TIMEOUT_MS) });
    return body && { type: 'image', data: (await buffer(body)).toString('base64'), mimeType: contentType };
  } catch (error) {
    const isSlow = error instanceof DOMException && error.name === 'TimeoutError';
    if (error instanceof VariantError || error instanceof StorageError || isSlow) return null;
    throw error;
  }
}

async function textOf(
  artifact: Artifact,
  answer: Job,
  { client, keep }: McpCall,
  services: McpServices,
): Promise<Content> {
  try {
    const text = await services.texts.read(artifact, answer, client);
    if (!keep(2 * text.length)) return { type: 'text', text: `${artifact.filename}: there is no room for it now` };
    return { type: 'text', text: `${artifact.filename}:\n${excerpt(text, MOST_TEXT_CHARACTERS)}` };
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return { type: 'text', text: `${artifact.filename}: ${error.message}` };
  }
}
