import * as z from 'zod';
import { GatewayError } from '../core/errors.ts';
import { priorities } from '../core/job.ts';
import type { JobLimits } from '../core/limits.ts';
import type { Identity } from './identity.ts';
import { EXPECTED_PLAN, isPlanName } from './names.ts';

/** A day's GPU seconds of a thousand servers are below it, and so is what a script counts in milliseconds. */
const MOST = 1e12;
const count = z.int('expected an integer or null').min(0, 'expected at least 0').max(MOST).nullable().default(null);
const amount = z
  .number('expected a number or null')
  .positive('expected more than 0')
  .max(MOST)
  .nullable()
  .default(null);
const nodeClasses = z.array(z.string().min(1).max(200)).max(10_000).exactOptional();

/** A plan in the file: what is null or absent is not bounded. */
const planSchema = z.strictObject({
  /** Share of the servers, against those of others. */
  weight: z.number().min(0.001).max(1_000).default(1),
  requestsPerMinute: count,
  gpuSecondsPerMinute: amount,
  gpuSecondsPerDay: amount,
  jobsPerDay: count,
  /** Jobs of a caller that wait for a server, and that run. */
  queued: count,
  running: z.int('expected an integer or null').min(1, 'expected at least 1').max(MOST).nullable().default(null),
  sockets: count,
  subscriptions: count,
  /** Uploads that no job names yet, and their bytes. */
  openUploads: count,
  uploadBytes: count,
  /** Width times height, in millions. */
  megapixels: amount,
  priorities: z
    .array(z.enum(priorities))
    .min(1, 'expected at least one')
    .default([...priorities]),
  /** Names of workflows, `custom` for graphs of one's own. */
  workflows: z
    .union([z.literal('*'), z.array(z.string().max(100)).max(1_000)], 'expected a list of names, or *')
    .default('*'),
  /** Classes of nodes in graphs of one's own. */
  nodes: z.strictObject({ allow: nodeClasses, deny: nodeClasses }).default({}),
});

const fileSchema = z.record(z.string().refine(isPlanName, `expected a name of ${EXPECTED_PLAN}`), planSchema);

export interface Plan extends z.output<typeof planSchema> {
  name: string;
}

export interface Plans {
  /** Without a plan: nothing is bounded. Throws FORBIDDEN for one that is not installed. */
  of(identity: Pick<Identity, 'plan'>): Plan;
  /** What a caller may have open at a time; null: no less than others. Of a plan that is not installed nothing. */
  boundsOf(identity: Pick<Identity, 'plan'>): Pick<Plan, 'sockets' | 'subscriptions'>;
}

/** Of who is not told apart from others. */
export const noPlan: Plan = { name: 'none', ...planSchema.parse({}) };

/** The plans of a file's text by name, or a line for each fault. */
export function parsePlans(text: string): { plans: ReadonlyMap<string, Plan> } | { faults: string[] } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return { faults: [error instanceof Error ? error.message : String(error)] };
  }
  const parsed = fileSchema.safeParse(json);
  if (parsed.success) {
    return { plans: new Map(Object.entries(parsed.data).map(([name, plan]) => [name, { name, ...plan }])) };
  }
  return {
    faults: parsed.error.issues.map(({ path, message }) => [path.join('.'), message].filter(Boolean).join(': ')),
  };
}

/** `onUnknown` is called with the name of a plan that is not installed. */
export function createPlans(
  plans: () => ReadonlyMap<string, Plan>,
  onUnknown: (name: string) => void = () => undefined,
): Plans {
  function find({ plan: name }: Pick<Identity, 'plan'>): Plan | null {
    if (name === null) return noPlan;
    const plan = plans().get(name);
    if (!plan) onUnknown(name);
    return plan ?? null;
  }

  return {
    boundsOf: (identity) => find(identity) ?? { sockets: 0, subscriptions: 0 },
    of(identity) {
      const plan = find(identity);
      if (plan) return plan;
      throw new GatewayError(
        `your plan ${identity.plan} is none of this installation: ask its operator to add it, or to give you another`,
        { code: 'FORBIDDEN' },
      );
    },
  };
}

const limitsOfPlans = new WeakMap<Plan, JobLimits>();

/** What of the plan is counted in Redis, one object for each plan; null where nothing is, as without a plan. */
export function limitsOf(plan: Plan): JobLimits | null {
  if (plan === noPlan) return null;
  let limits = limitsOfPlans.get(plan);
  if (!limits) {
    const { requestsPerMinute, gpuSecondsPerMinute, gpuSecondsPerDay, jobsPerDay } = plan;
    const { name, weight, queued, running, megapixels } = plan;
    const perTime = { requestsPerMinute, gpuSecondsPerMinute, gpuSecondsPerDay, jobsPerDay };
    limits = { plan: name, weight, ...perTime, queued, running, megapixels };
    limitsOfPlans.set(plan, limits);
  }
  return limits;
}
