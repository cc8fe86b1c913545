import { randomUUID } from 'node:crypto';
import { badInput } from '../core/errors.ts';
import type { Job } from '../core/job.ts';
import { needsScopes, needsWorkflow } from '../graphql/scopes.ts';
import type { Workflow } from '../workflows/catalogue.ts';
import { awaitJob, secondsOf, type ToolCall } from './await-job.ts';
import { callKey, type OpenCalls } from './calls.ts';
import { storeInputFiles } from './input-files.ts';
import { refusalOf, type ToolResult } from './results.ts';
import type { McpServices } from './services.ts';

/**
 * Runs a workflow as `generate` does, and waits for it. A call that its client cancels, or leaves where that means the
 * same, cancels the job.
 */
export async function runWorkflow(
  workflow: Workflow,
  tool: ToolCall,
  services: McpServices,
  calls: OpenCalls,
): Promise<ToolResult> {
  const { call } = tool;
  const { identity } = call;
  const path = ['workflow', workflow.name];
  const { input, waitSeconds, key } = parse(workflow, tool.arguments);
  using open = calls.open(identity.caller, call.session, tool.id);
  let job: Job;
  let wait: number;
  try {
    needsScopes(identity, 'job:write');
    needsWorkflow(identity, workflow.name);
    wait = secondsOf(waitSeconds);
    const stored = await storeInputFiles(workflow, input, path, call, services.dataUploads);
    job = await accept(workflow.name, stored, keyOf(key), tool, services);
  } catch (error) {
    return refusalOf(error, path);
  }
  return await awaitJob(job, wait, tool, services, open.cancelled);
}

/** A parameter of the workflow goes before an option of the same name. */
function parse({ parameters }: Workflow, given: ToolCall['arguments']) {
  const has = (name: string) => parameters.some((parameter) => parameter.name === name);
  const { waitSeconds, idempotencyKey, ...input } = given;
  return {
    waitSeconds: has('waitSeconds') ? undefined : waitSeconds,
    key: has('idempotencyKey') ? undefined : idempotencyKey,
    input: {
      ...input,
      ...(has('waitSeconds') && { waitSeconds }),
      ...(has('idempotencyKey') && { idempotencyKey }),
    },
  };
}

/** Null: none was given. */
function keyOf(value: unknown): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string') return value;
  throw badInput([{ path: ['idempotencyKey'], message: 'expected a string', code: 'invalid_type' }]);
}

async function accept(
  name: string,
  input: { [name: string]: unknown },
  key: string | null,
  { call, id }: ToolCall,
  { jobs }: McpServices,
): Promise<Job> {
  const { identity, requestId, address, client, session, signal } = call;
  const known = session === null ? null : callKey(session, id);
  const { job } = await jobs.generate({
    ...{ identity, requestId, address, client, signal },
    path: [],
    // A request that a proxy repeats is the same call.
    idempotencyKey: key ?? known ?? randomUUID(),
    workflow: { name, input },
    priority: 'NORMAL',
    deadlineSeconds: null,
    waitSeconds: null,
    // By it any gateway finds the job of a call that is cancelled. Beside a key of the caller's it would make the next
    // call with that key another one.
    tags: key === null && known !== null ? [known] : [],
  });
  return job;
}
