import type { Plan } from '../../src/core/plan.ts';
import type { Attempt } from '../attempt/attempt.ts';
import { Retry } from '../attempt/failures.ts';
import type { Pool } from '../pool/pool.ts';
import { requirementsOf, serverToAvoid } from '../pool/requirements.ts';

/**
 * Gives the attempt's slot back and takes one for a new prompt, wherever one is free now. That the last prompt was at a
 * server is no reason to go there again: the server may be why another prompt is needed. Throws Retry where there is no
 * slot.
 */
export function changeServer({ job, submission, state }: Attempt, plan: Plan, pool: Pool): void {
  state.releaseSlot();
  const requirements = requirementsOf(plan, serverToAvoid(job.failures, submission));
  const slot = pool.takeSlot(requirements, state.goneServers);
  if (!slot) throw new Retry('no server', { counts: false });
  state.takeSlot(slot);
}
