import { canonicalJson, sha256 } from '../core/canonical-json.ts';
import { badInput, type InputIssue } from '../core/errors.ts';
import type { Json } from '../core/job.ts';
import type { NewJob } from '../job-record/job-store.ts';
import type { Waits } from '../progress/long-poll.ts';
import type { WorkflowCatalogue } from '../workflows/catalogue.ts';
import type { ParsedCustom } from '../workflows/custom.ts';
import type { Accepted, AcceptJob, AskedJob } from './accept-job.ts';
import { checkGenerateArguments } from './generate-arguments.ts';
import type { GenerateRequest } from './jobs.ts';

export interface GenerateOptions {
  accept: AcceptJob;
  waits: Pick<Waits, 'hold'>;
  catalogue: WorkflowCatalogue;
  parseCustom: (input: { [name: string]: unknown }, path: (string | number)[]) => ParsedCustom;
  deadlineMs: number;
  maxDeadlineMs: number;
  /** A new UUID of version 7. */
  newId: () => string;
  /** 0 to 2^53-1. */
  randomSeed: () => number;
}

/** A workflow's part of the request, checked: `ask` is what the caller wants, `run` has what was left to chance drawn. */
interface CheckedWorkflow {
  ask: { [name: string]: Json };
  run: { [name: string]: Json };
  template: NewJob['template'];
  nodesTotal: number;
}

/** Accepts a job, or gives back what its key already made. What is to be checked beyond the request itself is told to `accept`. */
export function createGenerate(options: GenerateOptions) {
  const { accept, waits, catalogue, parseCustom } = options;
  const maxSeconds = Math.floor(options.maxDeadlineMs / 1000);

  function checkWorkflow({ workflow, path }: GenerateRequest, issues: InputIssue[]): CheckedWorkflow | null {
    const at = [...path, 'workflow', workflow.name];
    if (workflow.name === 'custom') {
      const parsed = parseCustom(workflow.input, at);
      if (parsed.ok) {
        const { name, nodesTotal } = parsed;
        const parameters = name === null ? parsed.parameters : { ...parsed.parameters, name };
        return { ask: parameters, run: parameters, template: null, nodesTotal };
      }
      issues.push(...parsed.issues);
      return null;
    }
    const known = catalogue.get(workflow.name);
    if (!known) throw new Error(`the schema has a workflow ${workflow.name} that the catalogue has not`);
    const parsed = known.parse(workflow.input, at);
    if (!parsed.ok) {
      issues.push(...parsed.issues);
      return null;
    }
    const run = known.complete(parsed.parameters, options.randomSeed);
    return { ask: parsed.parameters, run, template: known.template, nodesTotal: known.nodesTotal };
  }

  return async function generate(request: GenerateRequest): Promise<Accepted> {
    const { idempotencyKey, deadlineSeconds, waitSeconds, tags } = request;
    const issues = checkGenerateArguments({ idempotencyKey, deadlineSeconds, waitSeconds, tags }, request.path);
    if (deadlineSeconds !== null && deadlineSeconds > maxSeconds) {
      const path = [...request.path, 'deadlineSeconds'];
      issues.push({ path, message: `expected at most ${maxSeconds} seconds`, code: 'too_big' });
    }
    const workflow = checkWorkflow(request, issues);
    if (issues.length > 0 || !workflow) throw badInput(issues);

    const deadlineMs = deadlineSeconds === null ? options.deadlineMs : deadlineSeconds * 1000;
    const job: AskedJob = {
      id: options.newId(),
      caller: request.caller,
      idempotencyKey,
      fingerprint: sha256(
        canonicalJson({
          workflow: request.workflow.name,
          input: workflow.ask,
          priority: request.priority,
          deadlineMs,
          tags,
        }),
      ),
      workflow: request.workflow.name,
      template: workflow.template,
      parameters: workflow.run,
      nodesTotal: workflow.nodesTotal,
      priority: request.priority,
      tags,
      retryOf: null,
      deadlineMs,
      requestId: request.requestId,
    };
    return waits.hold(request, () => accept(job, [...request.path, 'workflow', request.workflow.name]));
  };
}
