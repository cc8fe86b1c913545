import { isTerminal, type Job, type JobError } from '../../src/core/job.ts';
import type { Plan } from '../../src/core/plan.ts';
import type { BackendSlot } from '../pool/backend.ts';
import type { Pool } from '../pool/pool.ts';
import { requirementsOf, serverToAvoid } from '../pool/requirements.ts';
import { type LoadTemplate, loadPlan } from './load-plan.ts';
import { type UnrunnableParts, whyUnrunnable } from './unrunnable.ts';

export interface AssignParts extends UnrunnableParts {
  pool: Pool;
  loadTemplate: LoadTemplate;
}

/** What is to be done with a job that was delivered. The slot is the caller's, who must give it back. */
export type Assignment =
  | { outcome: 'run'; plan: Plan; slot: BackendSlot }
  /** No server can take it now. `servers`: those that can run it once they have a free slot. */
  | { outcome: 'wait'; servers: string[] }
  /** It can never be run. */
  | { outcome: 'fail'; error: JobError; cause?: unknown }
  /** It has ended, or its cancel was requested: the claim says how it ends. */
  | { outcome: 'claim' };

/** Finds a slot for a job that nobody has claimed yet. */
export async function assignJob(job: Job, parts: AssignParts): Promise<Assignment> {
  const loaded = await loadPlan(job, parts.loadTemplate);
  if (loaded.outcome === 'failed') return { outcome: 'fail', error: loaded.error, cause: loaded.cause };
  if (isTerminal(job.status) || job.cancelRequestedAt !== null) return { outcome: 'claim' };

  const { plan } = loaded;
  const { pool } = parts;
  const requirements = requirementsOf(plan, serverToAvoid(job.failures, job.submission));
  // Where its prompt may be, if that is a server of this worker; otherwise the best that can run it. At one that does
  // not work the prompt only waits: it is looked for there once another server can run the job.
  const at = job.submission?.backend;
  const there = at !== undefined && !pool.isStalled(at) ? pool.takeSlotAt(at) : null;
  const slot = there ?? pool.takeSlot(requirements);
  if (slot) return { outcome: 'run', plan, slot };
  const servers = pool.fitting(requirements);
  const error = servers.length > 0 ? null : await whyUnrunnable(plan, parts);
  return error ? { outcome: 'fail', error } : { outcome: 'wait', servers };
}
