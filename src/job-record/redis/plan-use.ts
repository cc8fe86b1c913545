import type { Redis } from 'ioredis';
import * as z from 'zod';
import {
  type JobLimits,
  type Limited,
  type LimitState,
  limitedBy,
  limitStates,
  meteredLimits,
  meterLimits,
} from '../../core/limits.ts';
import type { Keys } from '../../redis/keys.ts';
import { results } from '../../redis/pipeline.ts';

/** accept.lua's arguments 16 to 18: of a caller without limits, that there are none. */
export function planArguments(caller: string, limits: JobLimits | null, gpuMs: number): (string | number)[] {
  // What is no number would fail a script in the middle of its writes.
  if (!Number.isSafeInteger(gpuMs)) throw new RangeError(`expected whole milliseconds of a server, got ${gpuMs}`);
  return [caller, limits ? planText(limits) : '', gpuMs];
}

/** Those of a plan are the same object for all its calls. */
const planTexts = new WeakMap<JobLimits, string>();

function planText(limits: JobLimits): string {
  let text = planTexts.get(limits);
  if (text === undefined) {
    const { plan, weight, queued, running } = limits;
    text = [plan, weight, ...[...meterLimits(limits), queued, running].map((limit) => limit ?? '-')].join(' ');
    planTexts.set(limits, text);
  }
  return text;
}

const leftSchema = z.array(z.number());
const limitedSchema = z.tuple([z.literal('limited'), z.number(), z.number(), z.number(), leftSchema]);

/** What accept.lua says of a limit that a call does not fit. */
export function readLimited(reply: unknown, limits: JobLimits): { limited: Limited; left: LimitState[] } {
  const [, place, left, waitMs, all] = limitedSchema.parse(reply);
  return { limited: limitedBy(place, left, waitMs), left: limitStates(limits, all) };
}

/** What accept.lua says is left. */
export const readLeft = (reply: unknown, limits: JobLimits): LimitState[] =>
  limitStates(limits, leftSchema.parse(reply));

const answerSchema = z.tuple([
  z.array(z.string().nullable()),
  z.number(),
  z.tuple([z.coerce.number(), z.coerce.number()]),
]);

/** What is left of a caller's limits now, in one round trip. */
export async function readLimits(redis: Redis, keys: Keys, caller: string, limits: JobLimits): Promise<LimitState[]> {
  const [[at, kept], queued, [seconds, micros]] = answerSchema.parse(
    await results(redis.pipeline().hmget(keys.plan(caller), 'at', 'levels').zcard(keys.jobs(caller, 'QUEUED')).time()),
  );
  const now = seconds * 1000 + micros / 1000;
  const passedMs = Math.max(0, now - Number(at ?? now));
  const levels = (kept ?? '').split(' ');
  const most = meterLimits(limits);
  const left = meteredLimits.map(({ periodMs }, i) => {
    const limit = most[i] ?? 0;
    return Math.floor(limit - Math.max(0, Number(levels[i] || 0) - (passedMs * limit) / periodMs) + 0.001);
  });
  return limitStates(limits, [...left, (limits.queued ?? 0) - queued]);
}
