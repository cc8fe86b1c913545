import { setTimeout as sleep } from 'node:timers/promises';
import { startAttackers } from '../../test/support/attacks/attackers.ts';
import { type AttackName, attacks } from '../../test/support/attacks/every-attack.ts';
import { prepareTarget } from '../../test/support/attacks/prepare.ts';
import { latencies } from '../../test/support/latencies.ts';
import { watchMemory } from '../../test/support/process-limits.ts';
import type { Bench } from '../bench.ts';
import type { Child } from '../child.ts';
import { startGateway, startSimulator, startWorker } from '../product.ts';
import { percentile } from '../rounds.ts';
import type { Row } from '../table.ts';

/** What a container of 512 MiB leaves to V8's heap, and all of it. */
const SMALL_HEAP = { NODE_OPTIONS: '--max-old-space-size=256' };
const MEMORY_MIB = 512;
/** Attacks whose clients read what they are answered: the gateway has nothing to bound but their turns. */
const READING: readonly AttackName[] = ['pingFlood', 'queryFlood', 'refusalFlood'];
const MOST_WHILE_FLOODED_MS = 100;
const MEASURED_MS = 12_000;
/** Between the queries of those who are not attackers. */
const PAUSE_MS = 10;

/**
 * Measures how long others wait for `{ __typename }`, and how much memory a gateway takes, under one kind of attack
 * after another; each against a gateway that has just been started, and that is its own peer before the attack.
 */
export const benchAttacks: Bench = async (context) => {
  const { quick, say } = context;
  await using stack = new AsyncDisposableStack();
  const keep = (child: Child) => stack.adopt(child, (started) => started.stop());
  const simulator = keep(await startSimulator(50));
  keep(await startWorker(context, [simulator.url]));
  const measured = async (url: string) => {
    const taken: number[] = [];
    const until = performance.now() + (quick ? 100 : MEASURED_MS);
    while (performance.now() < until) {
      taken.push(...(await latencies(url, 1)));
      await sleep(PAUSE_MS);
    }
    return percentile(taken, 0.99);
  };
  const names = quick ? READING.slice(0, 1) : (Object.keys(attacks) as AttackName[]);
  const rows: Row[] = [];
  for (const name of names) {
    const gateway = await startGateway(context, { probe: false, env: SMALL_HEAP });
    const url = new URL(gateway.url).origin;
    try {
      const target = await prepareTarget(url, { pictures: quick ? 1 : 2, side: quick ? 64 : 4096 });
      const calm = await measured(url);
      const peak = await watchMemory(gateway.pid);
      await using attackers = await startAttackers(target, [name]);
      const attacked = await measured(url);
      const mib = (await peak()) / 2 ** 20;
      await attackers.stop();
      say(`${name}: ${attacked.toFixed(1)} ms, calm ${calm.toFixed(1)} ms; ${mib.toFixed(0)} MiB`);
      rows.push({
        bench: 'attacks',
        figure: `${name}: { __typename } of others, 99th percentile, ms`,
        ours: [attacked],
        peer: { name: 'not attacked', values: [calm] },
        ...(READING.includes(name) && { target: { of: 'figure', is: 'at most', value: MOST_WHILE_FLOODED_MS } }),
      });
      rows.push({
        bench: 'attacks',
        figure: `${name}: resident at most, MiB`,
        ours: [mib],
        peer: null,
        target: { of: 'figure', is: 'at most', value: MEMORY_MIB },
      });
    } finally {
      await gateway.stop();
    }
  }
  return rows;
};
