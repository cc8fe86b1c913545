import { badInput, notFound } from '../core/errors.ts';
import { needsScopes } from '../graphql/scopes.ts';
import { awaitJob, secondsOf, type ToolCall } from './await-job.ts';
import { refusalOf, said, type ToolResult } from './results.ts';
import type { McpServices } from './services.ts';

type RunTool = (tool: ToolCall, services: McpServices) => Promise<ToolResult>;

/** Each answers what is refused in words. */
const refusing =
  (run: RunTool): RunTool =>
  async (tool, services) => {
    try {
      return await run(tool, services);
    } catch (error) {
      return refusalOf(error);
    }
  };

/** The tool `job`. One of somebody else is as one that there is not. */
export const readJob = refusing(async (tool, services) => {
  const { call } = tool;
  const { identity, client, signal } = call;
  needsScopes(identity, 'job:read');
  const wait = secondsOf(tool.arguments.waitSeconds);
  const job = await services.jobs.get(identity, textAt(tool, 'id'), { waitSeconds: null, signal, client });
  if (!job) throw notFound('job');
  return awaitJob(job, wait, tool, services);
});

/** The tool `cancel_job`. */
export const cancelJob = refusing(async (tool, services) => {
  const { identity, requestId, address, client } = tool.call;
  needsScopes(identity, 'job:write');
  const job = await services.jobs.cancel(identity, textAt(tool, 'id'), requestId, address, client);
  return said(job.status === 'RUNNING' ? `The job ${job.id} is about to end.` : `The job ${job.id} is ${job.status}.`);
});

/** The tool `create_upload`. */
export const createUpload = refusing(async (tool, services) => {
  const { identity, requestId, address, client } = tool.call;
  needsScopes(identity, 'job:write');
  const { size } = tool.arguments;
  if (typeof size !== 'number')
    throw badInput([{ path: ['size'], message: 'expected a number', code: 'invalid_type' }]);
  const upload = await services.uploads.create({
    ...{ identity, requestId, address, client },
    filename: textAt(tool, 'filename'),
    contentType: textAt(tool, 'contentType'),
    sizeBytes: size,
  });
  const headers = Object.entries(upload.headers).map(([name, value]) => ` -H '${name}: ${value}'`);
  return said(
    [
      `Send the file, of exactly ${size} bytes, by this request, before ${new Date(upload.expiresAt).toISOString()}:`,
      `curl -X PUT --data-binary @FILE${headers.join('')} '${upload.url}'`,
      `Then give {"upload": "${upload.id}"} where a workflow takes a file.`,
    ].join('\n'),
  );
});

function textAt({ arguments: given }: ToolCall, name: string): string {
  const value = given[name];
  if (typeof value === 'string') return value;
  throw badInput([
    { path: [name], message: 'expected a string', code: value === undefined ? 'required' : 'invalid_type' },
  ]);
}
