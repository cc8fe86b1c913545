// A process of attackers: `node run-attacks.ts PLAN`, the JSON text of a Plan. It prints a line once all have been
// started, and attacks until its time is over or SIGTERM. Then it prints what it has done, as a line of JSON. It comes
// after the product and honest clients for a processor.
import { setPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { type RunningAttack, startAttack } from './attack.ts';
import { type AttackName, attacks } from './every-attack.ts';

const planSchema = z.object({
  target: z.object({ url: z.string(), largeJobId: z.string(), pictureJobIds: z.array(z.string()) }),
  names: z.array(z.enum(Object.keys(attacks) as [AttackName, ...AttackName[]])),
  /** Of the usual number of clients of each attack. */
  share: z.number().positive(),
  ms: z.number(),
});
export type Plan = z.infer<typeof planSchema>;

/** 127.0.0.2 to 127.0.0.9. */
const ADDRESSES = 8;
const LEAST_PRIORITY = 19;
const LOOK_EVERY_MS = 50;
const BEGINS_WITHIN_MS = 3_000;

const hasBegun = ({ tally }: RunningAttack) => tally.turns > 0 || Object.keys(tally.answers).length > 0;

async function run(): Promise<void> {
  const { target, names, share, ms } = planSchema.parse(JSON.parse(process.argv[2] ?? ''));
  const running: (RunningAttack & { name: AttackName })[] = [];
  for (const [i, name] of names.entries()) {
    const attack = attacks[name];
    const from = `127.0.0.${2 + (i % ADDRESSES)}`;
    const clients = Math.ceil(attack.usual.clients * share);
    const started = { name, ...startAttack(attack, { ...target, from }, { clients, ms }) };
    running.push(started);
    // One after the other, since a crowd that came first would keep the others from being let in.
    const deadline = performance.now() + BEGINS_WITHIN_MS;
    while (!hasBegun(started) && performance.now() < deadline) await sleep(LOOK_EVERY_MS);
  }
  const over = new Promise<void>((resolve) => {
    process.once('SIGTERM', resolve);
    setTimeout(resolve, ms).unref();
  });
  process.stdout.write('attacking\n');
  await over;
  await Promise.all(running.map(({ stop }) => stop()));
  process.stdout.write(`${JSON.stringify(Object.fromEntries(running.map(({ name, tally }) => [name, tally])))}\n`);
}

setPriority(LEAST_PRIORITY);
await run();
process.exit(0);
