import { setTimeout as delay } from 'node:timers/promises';
import { createPlans, type Plans } from '../callers/plans.ts';
import { loadPlans } from '../callers/plans-file.ts';
import type { Config } from '../config/config.ts';
import { throttledWarning } from '../observability/throttled.ts';
import type { RoleProcess } from './run-role.ts';

/** Two looks, after which a change is taken, are well within two seconds. */
const PAUSE_MS = 500;
/** Whoever mends these sees the rest then. */
const LOGGED_FAULTS = 10;
const BROKEN = 'the plans cannot be used as they are now: those of before stay';

/** Loads the plans, and takes changes of their file until shutdown, by looking at it as at the workflows. */
export async function followPlans(
  { plansFile: path }: Config,
  { log, shutdown }: Pick<RoleProcess, 'log' | 'shutdown'>,
): Promise<Plans> {
  const file = await loadPlans(path);
  const unknown = throttledWarning(log, 'calls are refused: their plan is not in the plans');
  const failed = throttledWarning(log, 'a change of the plans could not be taken');
  const ended = new AbortController();
  let broken = false;

  async function look(): Promise<void> {
    const found = await file.look();
    if (found.news === 'none') return;
    if (found.news === 'broken') {
      broken = true;
      const more = found.faults.length - LOGGED_FAULTS;
      log.error({ path, faults: found.faults.slice(0, LOGGED_FAULTS), ...(more > 0 && { more }) }, BROKEN);
      return;
    }
    if (broken) log.info({ path }, `over: ${BROKEN}`);
    broken = false;
    log.info({ path, plans: found.names }, 'plans changed');
  }

  async function follow(): Promise<void> {
    for (;;) {
      await delay(PAUSE_MS, undefined, { signal: ended.signal, ref: false }).catch(() => undefined);
      if (ended.signal.aborted) return;
      await look().catch(failed);
    }
  }

  void follow();
  shutdown.add('plans', () => ended.abort());
  return createPlans(file.plans, (plan) => unknown('unknown plan', { plan, path }));
}
