import type { Plan } from '../../src/core/plan.ts';
import type { BackendSlot } from '../pool/backend.ts';
import type { Pool } from '../pool/pool.ts';
import { requirementsOf } from '../pool/requirements.ts';
import type { Attempt } from './attempt.ts';
import { Retry } from './failures.ts';

/** A place at a server that can be changed for one elsewhere. */
export interface Berth {
  slot: BackendSlot;
}

/** What one attempt has come to. */
export interface Course {
  readonly plan: Plan;
  readonly berth: Berth;
  /** Servers that it has found gone. */
  readonly gone: Set<string>;
  submitted: number;
  outOfMemory: number;
}

/** Where an earlier prompt was is no reason to go there again: it may be why there must be another. Throws Retry. */
export function moveOn({ job, submission }: Attempt, { berth, plan, gone }: Course, pool: Pool) {
  berth.slot[Symbol.dispose]();
  const slot = pool.takeSlot(requirementsOf(plan, job.failures > 0 ? (submission?.backend ?? null) : null), gone);
  if (!slot) throw new Retry('no server', { counts: false });
  berth.slot = slot;
}
