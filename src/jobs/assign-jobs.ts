import type { Job } from '../core/job.ts';
import { planOf } from '../core/plan.ts';
import { parseTemplate } from '../core/template.ts';
import type { JobHandover, OwnedJobCursor } from '../job-record/job-handover.ts';
import type { GatewayJobStore } from '../job-record/job-store.ts';

export interface AssignRequest {
  from: string;
  to: string;
  /** Jobs that were accepted then or later, in milliseconds since 1970; null: all. */
  since: number | null;
  /** Only says which. */
  dryRun: boolean;
}

export type AssignResult = { id: string; outcome: 'assigned' | 'would-assign' } | { outcome: 'keys'; count: number };

export interface AssignOptions {
  handover: JobHandover;
  store: Pick<GatewayJobStore, 'get' | 'template'>;
  /** Called for each job that is another's now. */
  onAssigned?: ((id: string, request: AssignRequest) => void) | undefined;
}

/** Jobs that are handed over at a time: each may bring a graph of a megabyte. */
const BATCH = 20;

/**
 * Hands jobs over to another caller, each in one step, the oldest first, and their idempotency keys at the end. Where
 * it is cut off, calling it again does the rest.
 */
export function createAssignJobs({ handover, store, onAssigned }: AssignOptions) {
  /** Without them the job could not be run again. None where the template that says so is no longer kept. */
  async function uploadsOf({ template: hash, parameters }: Job): Promise<string[]> {
    const text = hash === null ? null : await store.template(hash);
    if (hash !== null && text === null) return [];
    const { files } = planOf(text === null ? null : parseTemplate(text), parameters);
    return files.flatMap(({ source }) => ('upload' in source ? source.upload : []));
  }

  return async function* assign(request: AssignRequest): AsyncIterable<AssignResult> {
    const { from, to, since, dryRun } = request;
    async function assignOne(id: string): Promise<AssignResult | null> {
      const job = await store.get(id);
      if (job?.caller !== from) return null;
      if (dryRun) return { id, outcome: 'would-assign' };
      if (!(await handover.assign(id, from, to, await uploadsOf(job)))) return null;
      onAssigned?.(id, request);
      return { id, outcome: 'assigned' };
    }
    for (let after: OwnedJobCursor | null = null; ; ) {
      const page: OwnedJobCursor[] = await handover.page({ caller: from, since, after, first: BATCH });
      for (const result of await Promise.all(page.map(({ id }) => assignOne(id)))) if (result) yield result;
      after = page.at(-1) ?? null;
      if (page.length < BATCH) break;
    }
    if (!dryRun) yield { outcome: 'keys', count: await handover.assignKeys(from, to) };
  };
}
