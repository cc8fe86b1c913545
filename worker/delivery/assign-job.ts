import { isTerminal, type Job, type JobError } from '../../src/core/job.ts';
import type { Plan } from '../../src/core/plan.ts';
import { type Inputs, openInputs } from '../inputs/open-inputs.ts';
import type { BackendSlot } from '../pool/backend.ts';
import type { Pool } from '../pool/pool.ts';
import { hasAll, type Requirements, requirementsOf, serverToAvoid } from '../pool/requirements.ts';
import { type DeliverySignals, type FetchParts, fetchInputs } from './fetch-inputs.ts';
import { type LoadTemplate, loadPlan } from './load-plan.ts';
import { type UnrunnableParts, whyUnrunnable } from './unrunnable.ts';

export interface AssignParts extends UnrunnableParts, FetchParts {
  pool: Pool;
  loadTemplate: LoadTemplate;
}

/** What is to be done with a job that was delivered. Slot and files are the caller's, who must give them back. */
export type Assignment =
  | { outcome: 'run'; plan: Plan; slot: BackendSlot; inputs: Inputs }
  /** No server can take it now. `servers`: those that can run it once they have a free slot. */
  | { outcome: 'wait'; servers: string[] }
  /** Its files cannot be fetched now. */
  | { outcome: 'later'; delayMs: number }
  /** It can never be run. */
  | { outcome: 'fail'; error: JobError; cause?: unknown }
  /** It has ended, or its cancel was requested: the claim says how it ends. */
  | { outcome: 'claim' };

/**
 * Finds a slot for a job that nobody has claimed yet. Its input files are fetched before, since that may take long, and
 * others can use the slot meanwhile.
 */
export async function assignJob(job: Job, signals: DeliverySignals, parts: AssignParts): Promise<Assignment> {
  const loaded = await loadPlan(job, parts.loadTemplate);
  if (loaded.outcome === 'failed') return { outcome: 'fail', error: loaded.error, cause: loaded.cause };
  if (isTerminal(job.status) || job.cancelRequestedAt !== null) return { outcome: 'claim' };

  const { plan } = loaded;
  const { pool, stock } = parts;
  const avoid = serverToAvoid(job.failures, job.submission);
  // A prompt that may be at a server is looked for first: then the files may be needed no more.
  const fetches =
    plan.files.length > 0 && !job.submission && pool.fitting(await findRequirements(plan, avoid, parts)).length > 0
      ? await fetchInputs(job, plan, signals, parts)
      : null;
  if (fetches && fetches.outcome !== 'fetched') return fetches;
  const requirements = await findRequirements(plan, avoid, parts);
  // Where its prompt may be, if that is a server of this worker; else the best that can run it. At one that is away
  // or does not work nothing can be found out: the prompt is looked for there once another server can run the job.
  const at = job.submission?.backend;
  const there = at !== undefined && pool.isReachable(at) ? pool.takeSlotAt(at) : null;
  const slot = there ?? pool.takeSlot(requirements);
  if (slot) {
    const inputs = fetches?.inputs ?? openInputs(plan, stock.share(job.caller), parts);
    return { outcome: 'run', plan, slot, inputs };
  }
  if (fetches) await stock.keep(job.id, fetches.inputs);
  const servers = pool.fitting(requirements);
  const error = servers.length > 0 ? null : await whyUnrunnable(plan, parts);
  return error ? { outcome: 'fail', error } : { outcome: 'wait', servers };
}

/**
 * A class of a pack may take what its list does not have. So where no server of the installation lists what the graph
 * names, any that has its classes will do; where one does, the job waits for that one.
 */
async function findRequirements(
  plan: Plan,
  avoid: string | null,
  { pool, knownNodeDefinitions }: Pick<AssignParts, 'pool' | 'knownNodeDefinitions'>,
): Promise<Requirements> {
  const listed = requirementsOf(plan, avoid);
  if (pool.fitting(listed).length > 0) return listed;
  const unlisted = requirementsOf(plan, avoid, { unlisted: true });
  if (pool.fitting(unlisted).length === 0) return listed;
  const seen = await knownNodeDefinitions.read();
  const isListed = seen.some(({ nodeDefinitions }) => nodeDefinitions && hasAll(plan, nodeDefinitions));
  return isListed ? listed : unlisted;
}
