import { createPlans, type Plan, type Plans } from '../callers/plans.ts';
import { readPlans } from '../callers/plans-file.ts';
import type { Config } from '../config/config.ts';
import { throttledWarning } from '../observability/throttled.ts';
import { type FollowedBy, followFiles } from './follow-files.ts';

/**
 * The plans in PLANS_FILE, as they are changed, until shutdown.
 * @throws {PlansError} where they cannot be used now
 */
export async function followPlans({ plansFile: path }: Pick<Config, 'plansFile'>, by: FollowedBy): Promise<Plans> {
  const unknown = throttledWarning(by.log, 'calls are refused: their plan is not in the plans');
  let plans: ReadonlyMap<string, Plan> = new Map();
  async function take(): Promise<void> {
    plans = await readPlans(path);
  }
  await followFiles({ what: 'the plans', list: async () => [path], take }, by);
  return createPlans(
    () => plans,
    (plan) => unknown('unknown plan', { plan, path }),
  );
}
