import type { Identity } from '../callers/identity.ts';
import { limitsOf, type Plans } from '../callers/plans.ts';
import { canonicalJson, sha256 } from '../core/canonical-json.ts';
import { badInput, type InputIssue } from '../core/errors.ts';
import { isTerminal } from '../core/job.ts';
import type { JobLimits } from '../core/limits.ts';
import type { NewJob } from '../job-record/job-store.ts';
import type { Seal } from '../job-record/seal.ts';
import type { LongPoll } from '../progress/long-poll.ts';
import type { WorkflowCatalogue } from '../workflows/catalogue.ts';
import { checkNodes, type NodeRules } from '../workflows/check-nodes.ts';
import type { createCustomParser } from '../workflows/custom.ts';
import { isEditorWorkflow } from '../workflows/editor/convert.ts';
import {
  type Accepted,
  type AcceptJob,
  countRefused,
  createFindIssues,
  type JobCheck,
  type ReplayOptions,
  replay,
} from './accept-job.ts';
import { whyNotInPlan } from './check-plan.ts';
import type { EditorClasses } from './editor-classes.ts';
import { checkGenerateArguments } from './generate-arguments.ts';
import type { GenerateRequest } from './jobs.ts';

export interface GenerateOptions extends ReplayOptions {
  accept: AcceptJob;
  /** What is outside of a job and changes, see AcceptOptions. */
  checks: readonly JobCheck[];
  plans: Plans;
  longPoll: Pick<LongPoll, 'begin'>;
  catalogue: WorkflowCatalogue;
  parseCustom: ReturnType<typeof createCustomParser>;
  editorClasses: EditorClasses;
  /** For graphs of the caller's own; null: nothing is denied, as where nobody is told apart. */
  nodeRules: (identity: Identity) => NodeRules | null;
  deadlineMs: number;
  maxDeadlineMs: number;
  seal: Seal;
  /** A new UUID of version 7. */
  newId: () => string;
  /** 0 to 2^53-1. */
  randomSeed: () => number;
}

interface ParsedWorkflow {
  /** What its caller wants, parsed and defaulted, as it was before seeds were drawn. */
  input: NewJob['parameters'];
  /** What a job runs. Null: the servers' classes do not, or no longer, allow it. */
  run: Pick<NewJob, 'template' | 'parameters' | 'nodesTotal'> | null;
}

/** `key`: by which a job is known that this request has already made; null where it can have made none. */
interface Parsed {
  key: Pick<NewJob, 'caller' | 'idempotencyKey' | 'fingerprint'> | null;
  job: NewJob | null;
  issues: InputIssue[];
}

/** `generate` of a caller: accepts a job, or gives back the one that its key has already made. */
export function createGenerate(options: GenerateOptions) {
  const { accept, longPoll, catalogue, parseCustom } = options;
  const findIssues = createFindIssues(options.checks);
  const maxSeconds = Math.floor(options.maxDeadlineMs / 1000);

  /** Null where there is nothing that could run; with faults, what the rest is. */
  async function parseWorkflow(request: GenerateRequest, issues: InputIssue[]): Promise<ParsedWorkflow | null> {
    const { workflow, path } = request;
    const at = [...path, 'workflow', workflow.name];
    if (workflow.name === 'custom') {
      const { graph } = workflow.input;
      const classes = isEditorWorkflow(graph) ? await options.editorClasses(graph) : null;
      const parsed = parseCustom(workflow.input, at, classes);
      if (!parsed.ok) {
        issues.push(...parsed.issues);
        return parsed.identity && { input: parsed.identity, run: null };
      }
      const { identity: input, parameters, nodesTotal } = parsed;
      const rules = options.nodeRules(request.identity);
      const graphAt = [...at, 'graph'];
      const denied = rules ? checkNodes(parameters.graph, rules, graphAt, classes !== null) : [];
      issues.push(...denied);
      return { input, run: denied.length ? null : { parameters, template: null, nodesTotal } };
    }
    const known = catalogue.get(workflow.name);
    if (!known) {
      // Its folder was removed after the operation had begun.
      issues.push({ path: at, message: `there is no workflow ${workflow.name} any more`, code: 'unknown_field' });
      return null;
    }
    const parsed = known.parse(workflow.input, at);
    if (!parsed.ok) issues.push(...parsed.issues);
    const { template, nodesTotal } = known;
    const parameters = known.complete(parsed.parameters, options.randomSeed);
    return { input: parsed.parameters, run: { parameters, template, nodesTotal } };
  }

  /** The job, and all that is wrong with the request itself. */
  async function parse(request: GenerateRequest, limits: JobLimits | null): Promise<Parsed> {
    const { identity, requestId, client = null, idempotencyKey, priority, deadlineSeconds, tags } = request;
    const issues = checkGenerateArguments(request, request.path);
    if (deadlineSeconds !== null && deadlineSeconds > maxSeconds) {
      const path = [...request.path, 'deadlineSeconds'];
      issues.push({ path, message: `expected at most ${maxSeconds} seconds`, code: 'too_big', maximum: maxSeconds });
    }
    const areValid = issues.length === 0;
    const parsed = await parseWorkflow(request, issues);
    if (!parsed) return { key: null, job: null, issues };

    const { input, run } = parsed;
    const workflow = request.workflow.name;
    const deadlineMs = deadlineSeconds === null ? options.deadlineMs : deadlineSeconds * 1000;
    const fingerprint = sha256(canonicalJson({ workflow, input, priority, deadlineMs, tags }));
    const key = { caller: identity.caller, idempotencyKey, fingerprint };
    if (!run) return { key: areValid ? key : null, job: null, issues };

    const id = options.newId();
    const job: NewJob = {
      id,
      ...key,
      workflow,
      ...run,
      priority,
      tags,
      retryOf: null,
      sealedApiKey: request.comfyOrgApiKey ? options.seal.close(request.comfyOrgApiKey, id) : null,
      deadlineMs,
      requestId,
      client,
      limits,
    };
    return { key, job, issues };
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
    const { identity, client = identity.caller, waitSeconds, signal, onLimits } = request;
    const plan = options.plans.of(identity);
    const limits = limitsOf(plan);
    const { key, job, issues } = await parse(request, limits);
    const path = [...request.path, 'workflow', request.workflow.name];
    if (!key || (job && issues.length > 0)) await countRefused(options, { caller: identity.caller, limits }, onLimits);
    if (job && issues.length > 0) throw badInput([...issues, ...(await alsoWrong(job, path, issues))]);
    if (!key) throw badInput(issues);
    const refusal = whyNotInPlan(plan, { workflow: request.workflow.name, priority: request.priority });
    // Before there is a job: one call too many makes none.
    using held = waitSeconds ? longPoll.begin({ identity, client, waitSeconds, signal }) : null;
    const accepted = await (job && !refusal
      ? accept(job, path, onLimits)
      : replay(options, { ...key, limits }, refusal ?? badInput(issues), onLimits));
    onAccepted(accepted);
    if (!held || isTerminal(accepted.job.status)) return accepted;
    return { ...accepted, job: (await held.untilEnded(accepted.job.id)) ?? accepted.job };
  };
}
