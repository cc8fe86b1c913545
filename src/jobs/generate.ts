import { canonicalJson, sha256 } from '../core/canonical-json.ts';
import { badInput, type InputIssue } from '../core/errors.ts';
import { isTerminal } from '../core/job.ts';
import type { NewJob } from '../job-record/job-store.ts';
import type { LongPoll } from '../progress/long-poll.ts';
import type { WorkflowCatalogue } from '../workflows/catalogue.ts';
import type { ParsedCustom } from '../workflows/custom.ts';
import type { Accepted, AcceptJob } from './accept-job.ts';
import { checkGenerateArguments } from './generate-arguments.ts';
import type { GenerateRequest } from './jobs.ts';

export interface GenerateOptions {
  accept: AcceptJob;
  longPoll: Pick<LongPoll, 'begin'>;
  catalogue: WorkflowCatalogue;
  parseCustom: (input: { [name: string]: unknown }, path: (string | number)[]) => ParsedCustom;
  deadlineMs: number;
  maxDeadlineMs: number;
  /** A new UUID of version 7. */
  newId: () => string;
  /** 0 to 2^53-1. */
  randomSeed: () => number;
}

/** What a job runs. `input` is what its caller wants, parsed and defaulted, as it was before seeds were drawn. */
type ParsedWorkflow = Pick<NewJob, 'template' | 'parameters' | 'nodesTotal'> & { input: NewJob['parameters'] };

/** `generate` of a caller: accepts a job, or gives back the one that its key has already made. */
export function createGenerate(options: GenerateOptions) {
  const { accept, longPoll, catalogue, parseCustom } = options;
  const maxSeconds = Math.floor(options.maxDeadlineMs / 1000);

  function parseWorkflow({ workflow, path }: GenerateRequest, issues: InputIssue[]): ParsedWorkflow | null {
    const at = [...path, 'workflow', workflow.name];
    if (workflow.name === 'custom') {
      const parsed = parseCustom(workflow.input, at);
      if (parsed.ok) {
        const { identity, parameters, nodesTotal } = parsed;
        return { input: identity, parameters, template: null, nodesTotal };
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
    const { template, nodesTotal } = known;
    const parameters = known.complete(parsed.parameters, options.randomSeed);
    return { input: parsed.parameters, parameters, template, nodesTotal };
  }

  /** Throws BAD_USER_INPUT with all that is wrong with the request itself. */
  function parse(request: GenerateRequest): NewJob {
    const { caller, requestId, client = null, idempotencyKey, priority, deadlineSeconds, waitSeconds, tags } = request;
    const issues = checkGenerateArguments({ idempotencyKey, deadlineSeconds, waitSeconds, tags }, request.path);
    if (deadlineSeconds !== null && deadlineSeconds > maxSeconds) {
      const path = [...request.path, 'deadlineSeconds'];
      issues.push({ path, message: `expected at most ${maxSeconds} seconds`, code: 'too_big' });
    }
    const parsed = parseWorkflow(request, issues);
    if (issues.length > 0 || !parsed) throw badInput(issues);

    const { input, ...run } = parsed;
    const workflow = request.workflow.name;
    const deadlineMs = deadlineSeconds === null ? options.deadlineMs : deadlineSeconds * 1000;
    return {
      id: options.newId(),
      caller,
      idempotencyKey,
      fingerprint: sha256(canonicalJson({ workflow, input, priority, deadlineMs, tags })),
      workflow,
      ...run,
      priority,
      tags,
      retryOf: null,
      deadlineMs,
      requestId,
      client,
    };
  }

  /**
   * Resolves when the job is accepted; with `waitSeconds` when it has ended, or the time is over. `onAccepted` is
   * called when it is accepted, since an answer that is held may still fail.
   */
  return async function generate(
    request: GenerateRequest,
    onAccepted: (accepted: Accepted) => void,
  ): Promise<Accepted> {
    const job = parse(request);
    const { caller, client = caller, waitSeconds, signal } = request;
    // Before there is a job: one call too many makes none.
    using held = waitSeconds ? longPoll.begin({ caller, client, waitSeconds, signal }) : null;
    const accepted = await accept(job, [...request.path, 'workflow', job.workflow]);
    onAccepted(accepted);
    if (!held || isTerminal(accepted.job.status)) return accepted;
    return { ...accepted, job: (await held.untilEnded(accepted.job.id)) ?? accepted.job };
  };
}
