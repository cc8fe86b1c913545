import { GatewayError } from './errors.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/**
 * What of a plan is counted and drains with time, in the order in which accept.lua has it. `perUnit`: in how many parts
 * a unit is counted; those of GPU seconds are milliseconds.
 */
export const meteredLimits = [
  { name: 'requestsPerMinute', periodMs: MINUTE_MS, perUnit: 1, code: 'RATE_LIMITED' },
  { name: 'gpuSecondsPerMinute', periodMs: MINUTE_MS, perUnit: 1_000, code: 'RATE_LIMITED' },
  { name: 'gpuSecondsPerDay', periodMs: DAY_MS, perUnit: 1_000, code: 'QUOTA_EXCEEDED' },
  { name: 'jobsPerDay', periodMs: DAY_MS, perUnit: 1, code: 'QUOTA_EXCEEDED' },
] as const;

/** All that is counted: behind those, jobs that wait, of which there are fewer as they start. */
const countedLimits = [
  ...meteredLimits,
  { name: 'queued', periodMs: null, perUnit: 1, code: 'QUOTA_EXCEEDED' },
] as const;
export type LimitName = (typeof countedLimits)[number]['name'];
export const limitNames: readonly LimitName[] = countedLimits.map(({ name }) => name);

/** What a caller's jobs are counted by; null: not bounded. */
export interface JobLimits extends Readonly<Record<LimitName, number | null>> {
  /** Name of the plan. */
  plan: string;
  /** Share of the servers, against those of others. */
  weight: number;
  /** Jobs that run at once. */
  running: number | null;
  /** Width times height of what a job makes, in millions. */
  megapixels: number | null;
}

/** How much of a limit is left, in its own unit. */
export interface LimitState {
  name: LimitName;
  limit: number;
  /** In which all of it would drain; null: it does not by time. */
  periodMs: number | null;
  remaining: number;
  /** Until all of it is left again, if nothing more is used; null: no time tells. */
  resetsInMs: number | null;
}

/** The limit that a call does not fit. `waitMs`: until as much is left as it takes; null: no time tells. */
export interface Limited {
  name: LimitName;
  remaining: number;
  waitMs: number | null;
}

/** What a call has used of its caller's limits. `gpuMs`: what its job is likely to take; 0 where none was made. */
export interface LimitUse {
  gpuMs: number;
  left: LimitState[];
}

export type OnLimits = (use: LimitUse) => void;

/** What the limits of a plan are in the parts that they are counted in, those of `meteredLimits`. */
export function meterLimits(limits: JobLimits): (number | null)[] {
  return meteredLimits.map(({ name, perUnit }) => {
    const limit = limits[name];
    return limit === null ? null : Math.round(limit * perUnit);
  });
}

/** `left`: of `limitNames` in turn, in the parts that they are counted in. What is not bounded is left out. */
export function limitStates(limits: JobLimits, left: readonly number[]): LimitState[] {
  return countedLimits.flatMap(({ name, perUnit, periodMs }, i): LimitState[] => {
    const limit = limits[name];
    if (limit === null) return [];
    const remaining = Math.max(0, left[i] ?? 0) / perUnit;
    const taken = Math.max(0, limit - remaining);
    const resetsInMs = periodMs && (limit === 0 ? 0 : Math.ceil((taken / limit) * periodMs));
    return [{ name, limit, periodMs, remaining, resetsInMs }];
  });
}

/** Reads which limit accept.lua names, by its place in `limitNames`. */
export function limitedBy(place: number, left: number, waitMs: number): Limited {
  const counted = countedLimits[place];
  if (!counted) throw new Error(`there is no limit ${place}`);
  const { name, perUnit } = counted;
  return { name, remaining: Math.max(0, left) / perUnit, waitMs: waitMs < 0 ? null : waitMs };
}

/** Where nobody knows when there will be room: when a job of theirs is likely to have started. */
const USUAL_WAIT_SECONDS = 10;

const advice: Record<LimitName, string> = {
  requestsPerMinute: 'ask less often',
  gpuSecondsPerMinute: 'wait, or ask for fewer steps, a smaller size or fewer results',
  gpuSecondsPerDay: 'wait, or ask for fewer steps, a smaller size or fewer results',
  jobsPerDay: 'wait',
  queued: 'wait until some have started, or cancel some',
};

/** `gpuMs`: what the job was likely to take. */
export function limitError({ name, remaining, waitMs }: Limited, limits: JobLimits, gpuMs: number): GatewayError {
  const limit = limits[name] ?? 0;
  const code = countedLimits.find((counted) => counted.name === name)?.code ?? 'QUOTA_EXCEEDED';
  const isAlone = name.startsWith('gpuSeconds') && waitMs === null;
  const cost = name.startsWith('gpuSeconds') ? ` and this job is likely to take ${gpuMs / 1000}` : '';
  const message = isAlone
    ? `this job is likely to take ${gpuMs / 1000} GPU seconds, more than the ${name} of your plan ${limits.plan}, ` +
      `${limit}: ask for fewer steps, a smaller size or fewer results`
    : `the ${name} of your plan ${limits.plan}, ${limit}, are used up: ${remaining} are left${cost}; ${advice[name]}`;
  const retryAfter = waitMs === null ? USUAL_WAIT_SECONDS : Math.max(1, Math.ceil(waitMs / 1000));
  return new GatewayError(message, { code, retryAfter, name, limit, remaining });
}
