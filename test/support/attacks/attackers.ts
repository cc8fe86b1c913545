import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { startScript } from '../process.ts';
import type { Bounds, Tally, Target } from './attack.ts';
import { type AttackName, attacks } from './every-attack.ts';
import type { Plan } from './run-attacks.ts';

/** What each attack has done, by its name. */
export type Tallies = Partial<Record<AttackName, Tally>>;

export interface Attackers extends AsyncDisposable {
  /** Ends all attacks, and resolves with what they have done. Disposing them ends those that nobody has stopped. */
  stop(): Promise<Tallies>;
}

/** How much of the usual strength of each attack, and for how long at most. */
export type Strength = Partial<Pick<Bounds, 'ms'>> & { share?: number };

const talliesSchema = z.partialRecord(
  z.enum(Object.keys(attacks) as [AttackName, ...AttackName[]]),
  z.object({ begun: z.int(), turns: z.int(), sentBytes: z.number(), answers: z.record(z.string(), z.int()) }),
);

/** Long: they begin one after the other, and come after everybody else for a processor. */
const START_TIMEOUT_MS = 300_000;

const script = fileURLToPath(new URL('run-attacks.ts', import.meta.url));

/**
 * Starts these attacks in a process of their own, so that they take no time of the honest clients in this one, and
 * resolves once all of them have been started. They come from 127.0.0.2 to 127.0.0.9, in turn.
 */
export async function startAttackers(
  target: Omit<Target, 'from'>,
  names: readonly AttackName[],
  { share = 1, ms = 600_000 }: Strength = {},
): Promise<Attackers> {
  const plan: Plan = { target: { ...target, pictureJobIds: [...target.pictureJobIds] }, names: [...names], share, ms };
  const process = startScript([script, JSON.stringify(plan)], {});
  try {
    await process.until('attacking', START_TIMEOUT_MS);
  } catch (cause) {
    await process.kill();
    throw cause;
  }
  return {
    [Symbol.asyncDispose]: process.kill,
    async stop() {
      process.signal('SIGTERM');
      await process.exited;
      const last = process.output().trimEnd().split('\n').at(-1) ?? '';
      return talliesSchema.parse(JSON.parse(last));
    },
  };
}

/** One line for each attack, for the report of a run. */
export function reportOf(tallies: Tallies): string {
  const lines = Object.entries(tallies).map(([name, { begun, turns, sentBytes, answers }]) => {
    const sorted = Object.entries(answers).sort(([, a], [, b]) => b - a);
    const sent = `${begun} clients, ${turns} turns, ${(sentBytes / 1e6).toFixed(1)} MB sent`;
    return `${name}: ${sent}; ${sorted.map(([what, times]) => `${times} ${what}`).join(', ')}`;
  });
  return lines.join('\n');
}
