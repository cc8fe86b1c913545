import type { Plan } from '../../src/core/plan.ts';
import type { Attempt } from '../attempt/attempt.ts';
import type { Pool } from '../pool/pool.ts';
import { requirementsOf } from '../pool/requirements.ts';
import type { Timings } from '../timings.ts';
import { changeServer } from './change-server.ts';

export interface WithdrawParts {
  pool: Pool;
  timings: Timings;
}

/**
 * Takes a prompt that only waits out of its server's queue, where another server has nothing to do, or this one has
 * stopped working. True when the prompt is gone without having run, and the attempt holds a slot elsewhere; false when
 * it stays where it is. Throws Retry when no other server has a free slot, ComfyError when the server does not answer.
 */
export async function withdrawWaiting(
  promptId: string,
  attempt: Attempt,
  plan: Plan,
  { pool, timings }: WithdrawParts,
): Promise<boolean> {
  const { log, signal, state } = attempt;
  const { client, name } = state.slot.backend;
  using reserved = new DisposableStack();
  const without = new Set([...state.goneServers, name]);
  // A server that drains ends what it has.
  const slot = pool.isDraining(name) ? null : pool.takeIdleSlot(requirementsOf(plan, null), timings.idle, without);
  if (slot) reserved.use(slot);
  else if (!pool.isStalled(name)) return false;

  // A process that was stopped meanwhile may have a successor, which follows this prompt.
  if (!(await isConfirmed(attempt))) return false;
  await client.dequeue(promptId, signal);
  // The prompt may have begun before it was taken out. Only one that the server does not know runs nowhere.
  const found = await client.find(promptId, { signal, timeoutMs: timings.look });
  if (found.state !== 'absent') return false;
  log.info({ at: name, to: slot?.backend.name ?? null }, 'waiting prompt withdrawn');
  state.promptOver();
  reserved.move();
  if (slot) state.takeSlot(slot);
  else changeServer(attempt, plan, pool);
  return true;
}

/** False when Redis cannot tell. Throws Stopped when the lease is another's. */
async function isConfirmed(attempt: Attempt): Promise<boolean> {
  try {
    await attempt.confirm();
    return true;
  } catch {
    attempt.signal.throwIfAborted();
    return false;
  }
}
