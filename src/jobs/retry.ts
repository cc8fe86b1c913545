import { type Identity, mayRun } from '../callers/identity.ts';
import { limitsOf, noPlan, type Plan, type Plans } from '../callers/plans.ts';
import { canonicalJson, sha256 } from '../core/canonical-json.ts';
import { badInput, forbidden, GatewayError, notFound } from '../core/errors.ts';
import { isTerminal, type Job } from '../core/job.ts';
import type { OnLimits } from '../core/limits.ts';
import { planOf } from '../core/plan.ts';
import { parseTemplate } from '../core/template.ts';
import { isUuid } from '../core/uuid.ts';
import type { NewJob } from '../job-record/job-store.ts';
import type { WorkflowCatalogue } from '../workflows/catalogue.ts';
import { checkNodes, type NodeRules } from '../workflows/check-nodes.ts';
import { type Accepted, type AcceptJob, countRefused, type ReplayOptions, replay } from './accept-job.ts';
import { whyNotInPlan } from './check-plan.ts';
import { checkRetryArguments } from './generate-arguments.ts';
import type { RetryRequest } from './jobs.ts';

interface RetryRules {
  /** See GenerateOptions: what a plan denies now is not run again either. */
  nodeRules: (identity: Identity) => NodeRules | null;
  plans: Plans;
}

export interface RetryOptions extends ReplayOptions {
  accept: AcceptJob;
  catalogue: Pick<WorkflowCatalogue, 'get'>;
  deadlineMs: number;
  newId: () => string;
}

/** Of a retry of this job, see NewJob. */
export const retryFingerprint = (id: string) => sha256(canonicalJson({ retryOf: id }));

/** The fields of a retry that do not come from the job. */
type RetryCall = Pick<
  NewJob,
  'caller' | 'idempotencyKey' | 'keyLifeMs' | 'requestId' | 'client' | 'onlyListed' | 'limits'
>;

/**
 * Makes of an ended job the one that runs it again: as it was run, its seed included, with a new id and the default
 * deadline.
 */
export function createPrepareRetry(options: Pick<RetryOptions, 'store' | 'catalogue' | 'deadlineMs' | 'newId'>) {
  const { store, catalogue, deadlineMs, newId } = options;

  /** Null when it is no longer kept. */
  async function templateOf({ workflow, template: hash }: Job): Promise<{ template: NewJob['template'] } | null> {
    if (hash === null) return { template: null };
    const installed = catalogue.get(workflow)?.template;
    if (installed?.hash === hash) return { template: installed };
    const text = await store.template(hash);
    return text === null ? null : { template: { hash, text } };
  }

  /**
   * `found`: the job `id`, null when it is not there for the caller. Gives the refusal where it cannot be run again.
   */
  return async (id: string, found: Job | null, call: RetryCall): Promise<NewJob | GatewayError> => {
    if (!found) return notFound('job');
    if (!isTerminal(found.status)) return conflict(`the job is ${found.status}: it can be run again once it has ended`);
    const kept = await templateOf(found);
    if (!kept) return conflict(`the workflow ${found.workflow} is no longer kept as this job ran it: generate anew`);
    const { graph } = planOf(kept.template && parseTemplate(kept.template.text), found.parameters);
    return {
      ...call,
      fingerprint: retryFingerprint(id),
      id: newId(),
      workflow: found.workflow,
      template: kept.template,
      parameters: found.parameters,
      nodesTotal: Object.keys(graph).length,
      priority: found.priority,
      tags: found.tags,
      retryOf: id,
      deadlineMs,
    };
  };
}

/**
 * Runs an ended job again: see `createPrepareRetry`. Where it cannot be, what the key has made is given all the same.
 */
export function createAcceptRetry(options: RetryOptions) {
  const prepareRetry = createPrepareRetry(options);
  return async (
    {
      id,
      found,
      plan = noPlan,
      onLimits,
    }: { id: string; found: Job | null; plan?: Plan; onLimits?: OnLimits | undefined },
    call: RetryCall,
  ): Promise<Accepted> => {
    const prepared = await prepareRetry(id, found, call);
    const refuse = (refusal: GatewayError) =>
      replay(options, { ...call, fingerprint: retryFingerprint(id) }, refusal, onLimits);
    if (prepared instanceof GatewayError) return refuse(prepared);
    const notInPlan = whyNotInPlan(plan, prepared);
    return notInPlan ? refuse(notInPlan) : options.accept(prepared, ['id'], onLimits);
  };
}

interface CallersJobs {
  /** The job, read when it is its client's turn; null when there is none that the identity may see. */
  own(identity: Identity, id: string, client?: string): Promise<Job | null>;
}

/** `retryJob` of a caller, under a key of its own. */
export function createRetry(options: RetryOptions & CallersJobs & RetryRules) {
  const acceptRetry = createAcceptRetry(options);
  return async (request: RetryRequest): Promise<Accepted> => {
    const { identity, requestId, client, id, idempotencyKey, onLimits } = request;
    const plan = options.plans.of(identity);
    const limits = limitsOf(plan);
    const issues = checkRetryArguments({ idempotencyKey });
    if (issues.length > 0 || !isUuid(id)) {
      await countRefused(options, { caller: identity.caller, limits }, onLimits);
      throw issues.length > 0 ? badInput(issues) : notFound('job');
    }
    const found = await options.own(identity, id, client);
    if (found && !mayRun(identity, found.workflow)) throw forbidden(`workflow:${found.workflow}`);
    const call = { caller: identity.caller, idempotencyKey, requestId, client: client ?? null, limits };
    const rules = options.nodeRules(identity);
    const own = rules && found?.template === null ? planOf(null, found.parameters).graph : null;
    const denied = rules && own ? checkNodes(own, rules, ['id'], true) : [];
    if (denied.length > 0) {
      return replay(options, { ...call, fingerprint: retryFingerprint(id) }, badInput(denied), onLimits);
    }
    return acceptRetry({ id, found, plan, onLimits }, call);
  };
}

const conflict = (message: string) => new GatewayError(message, { code: 'CONFLICT' });
