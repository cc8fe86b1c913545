import { z } from 'zod';
import { type FaultPatch, faultSchema } from './faults.ts';

const ANSWER_WITHIN_MS = 10_000;

/** Switches faults of a running simulator and returns those that are then on. @throws Error that says what to check. */
export async function setFaults(url: string, patches: FaultPatch[]): Promise<Record<string, unknown>> {
  const address = new URL('/simulator/faults', url);
  const body = JSON.stringify(Object.assign({}, ...patches));
  const init = patches.length === 0 ? {} : { method: 'POST', body };
  const response = await fetch(address, { ...init, signal: AbortSignal.timeout(ANSWER_WITHIN_MS) }).catch((cause) => {
    throw new Error(`no simulator answers at ${url}: start one, or name its address`, { cause });
  });
  const answer = faultSchema.safeParse(await response.json().catch(() => null));
  if (!answer.success) throw new Error(`what answers at ${url} is no simulator`);
  const off: Record<string, unknown> = faultSchema.parse({});
  return z
    .record(z.string(), z.unknown())
    .parse(Object.fromEntries(Object.entries(answer.data).filter(([name, value]) => value !== off[name])));
}
