import { canonicalJson, sha256 } from '../core/canonical-json.ts';
import { badInput, type InputIssue } from '../core/errors.ts';
import { isTerminal } from '../core/job.ts';
import type { NewJob } from '../job-record/job-store.ts';
import type { Seal } from '../job-record/seal.ts';
import type { LongPoll } from '../progress/long-poll.ts';
import type { WorkflowCatalogue } from '../workflows/catalogue.ts';
import type { ParsedCustom } from '../workflows/custom.ts';
import { type Accepted, type AcceptJob, createFindIssues, type JobCheck } from './accept-job.ts';
import { checkGenerateArguments } from './generate-arguments.ts';
import type { GenerateRequest } from './jobs.ts';

export interface GenerateOptions {
  accept: AcceptJob;
  /** What is outside of a job and changes, see AcceptOptions. */
  checks: readonly JobCheck[];
  longPoll: Pick<LongPoll, 'begin'>;
  catalogue: WorkflowCatalogue;
  parseCustom: (input: { [name: string]: unknown }, path: (string | number)[]) => ParsedCustom;
  deadlineMs: number;
  maxDeadlineMs: number;
  seal: Pick<Seal, 'close'>;
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
  const findIssues = createFindIssues(options.checks);
  const maxSeconds = Math.floor(options.maxDeadlineMs / 1000);

  /** Null where there is nothing that could run; with faults, what the rest is. */
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
    if (!parsed.ok) issues.push(...parsed.issues);
    const { template, nodesTotal } = known;
    const parameters = known.complete(parsed.parameters, options.randomSeed);
    return { input: parsed.parameters, parameters, template, nodesTotal };
  }

  /** The job, and all that is wrong with the request itself; null where there is nothing that could run. */
  function parse(request: GenerateRequest): { job: NewJob | null; issues: InputIssue[] } {
    const { caller, requestId, client = null, idempotencyKey, priority, deadlineSeconds, tags } = request;
    const issues = checkGenerateArguments(request, request.path);
    if (deadlineSeconds !== null && deadlineSeconds > maxSeconds) {
      const path = [...request.path, 'deadlineSeconds'];
      issues.push({ path, message: `expected at most ${maxSeconds} seconds`, code: 'too_big', maximum: maxSeconds });
    }
    const parsed = parseWorkflow(request, issues);
    if (!parsed) return { job: null, issues };

    const { input, ...run } = parsed;
    const workflow = request.workflow.name;
    const deadlineMs = deadlineSeconds === null ? options.deadlineMs : deadlineSeconds * 1000;
    const id = options.newId();
    const job: NewJob = {
      id,
      caller,
      idempotencyKey,
      fingerprint: sha256(canonicalJson({ workflow, input, priority, deadlineMs, tags })),
      workflow,
      ...run,
      priority,
      tags,
      retryOf: null,
      sealedApiKey: request.comfyOrgApiKey ? options.seal.close(request.comfyOrgApiKey, id) : null,
      deadlineMs,
      requestId,
      client,
    };
    return { job, issues };
  }

  /** What is wrong besides with a job that is refused already, so that its caller mends all of it at once. */
  async function alsoWrong(job: NewJob, path: (string | number)[], known: InputIssue[]): Promise<InputIssue[]> {
    const placeOf = (issue: InputIssue) => JSON.stringify(issue.path);
    const places = new Set(known.map(placeOf));
    try {
      const found = await findIssues({ ...job, deadlineMs: options.deadlineMs }, path);
      return found.filter((issue) => !places.has(placeOf(issue)));
    } catch {
      // The refusal stands without what cannot be found out now.
      return [];
    }
  }

  /**
   * Resolves when the job is accepted; with `waitSeconds` when it has ended, or the time is over. `onAccepted` is
   * called when it is accepted, since an answer that is held may still fail.
   */
  return async function generate(
    request: GenerateRequest,
    onAccepted: (accepted: Accepted) => void,
  ): Promise<Accepted> {
    const { job, issues } = parse(request);
    const path = [...request.path, 'workflow', request.workflow.name];
    if (!job || issues.length > 0) throw badInput([...issues, ...(job ? await alsoWrong(job, path, issues) : [])]);
    const { caller, client = caller, waitSeconds, signal } = request;
    // Before there is a job: one call too many makes none.
    using held = waitSeconds ? longPoll.begin({ caller, client, waitSeconds, signal }) : null;
    const accepted = await accept(job, path);
    onAccepted(accepted);
    if (!held || isTerminal(accepted.job.status)) return accepted;
    return { ...accepted, job: (await held.untilEnded(accepted.job.id)) ?? accepted.job };
  };
}
