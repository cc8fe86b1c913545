import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { percentile } from '../../bench/rounds.ts';
import { reportOf, startAttackers } from '../support/attacks/attackers.ts';
import { type AttackName, attacks } from '../support/attacks/every-attack.ts';
import { prepareTarget } from '../support/attacks/prepare.ts';
import { fuzz } from '../support/fuzz.ts';
import { createGatewayClient } from '../support/gateway-client.ts';
import { startHonestClients } from '../support/honest-clients.ts';
import { openMemoryGroup } from '../support/memory-group.ts';
import { anonymousBytes, mainThreadMs } from '../support/process-limits.ts';
import { openProduct } from '../support/product.ts';

const full = process.env.CHAOS_FULL === 'true';
const seed = Number(process.env.CHAOS_SEED ?? Math.floor(Math.random() * 2 ** 31));
const attackMs = full ? 120_000 : 25_000;
const calmMs = full ? 30_000 : 8_000;
const HONEST = 10;
const MEMORY_BYTES = 512 * 2 ** 20;
/** Beside it there are two processes that convert pictures, which rest at 100 MiB. */
const CONVERTERS_BYTES = 256 * 2 ** 20;
/**
 * Of V8, which chooses 256 and 1 by itself in a container of 512 MiB. Here the group is joined after it has chosen, and
 * it would take 256 and 64.
 */
const HEAP = '--max-old-space-size=256 --max-semi-space-size=16';
const WATCH_EVERY_MS = 250;
/** Both processors have more to do than they can, and an attacker's share of one is what ten honest clients leave. */
const MOST_TIMES_SLOWER = 10;
/** Ten pictures of 64 megapixels are more than a gateway of this memory can hold at once. */
const pictures = full ? { pictures: 4, side: 8192 } : { pictures: 2, side: 4096 };
const everyAttack = Object.keys(attacks) as AttackName[];

it.skipIf(process.platform !== 'linux')(
  'B07 a gateway of 512 MiB under all attacks at once lives, and honest clients see nothing of it',
  async (test) => {
    console.info(`attacked: seed ${seed}; to repeat the fuzzer's messages: CHAOS_SEED=${seed}`);
    const group = await openMemoryGroup(MEMORY_BYTES + CONVERTERS_BYTES);
    if (group) test.onTestFinished(group.close);
    const product = await openProduct(test, { simulators: 2, speed: 20 });
    const [gateway] = await Promise.all([
      product.gateway({
        LOG_LEVEL: 'warn',
        ...group?.env,
        NODE_OPTIONS: `${HEAP} ${group?.env.NODE_OPTIONS ?? ''}`,
      }),
      product.worker(),
    ]);
    let goneAfterMs: number | null = null;
    const target = await prepareTarget(gateway.url, pictures);
    // Whoever comes from one address shares what there is for it.
    const clients = Array.from({ length: HONEST }, (_, i) =>
      createGatewayClient(gateway.url, product.texts, { from: `127.0.1.${i + 1}` }),
    );
    // That of a gateway that has died stands still.
    const gatewayMs = () => (goneAfterMs === null ? mainThreadMs(gateway.process.pid) : 0);
    const honest = startHonestClients(clients, gatewayMs);
    await expect.poll(() => Math.min(...honest.done), { timeout: 60_000 }).toBeGreaterThan(0);

    const generated = async (whileDone: () => Promise<void>) => {
      const before = honest.generateMs.length;
      await whileDone();
      return { ms: honest.generateMs.slice(before), gatewayMs: honest.generateGatewayMs.slice(before) };
    };
    const calm = await generated(() => sleep(calmMs));
    const doneBefore = [...honest.done];
    const beganAt = performance.now();
    let mostBytes = 0;
    void gateway.process.exited.then(() => {
      goneAfterMs = performance.now() - beganAt;
    });
    const watching = setInterval(async () => {
      mostBytes = Math.max(mostBytes, await anonymousBytes(gateway.process.pid).catch(() => 0));
    }, WATCH_EVERY_MS);
    test.onTestFinished(() => clearInterval(watching));
    await using attackers = await startAttackers(target, everyAttack);
    const fuzzing = fuzz({ url: gateway.url, from: '127.0.0.10', seed, ms: attackMs });
    // Told when it is awaited.
    fuzzing.catch(() => undefined);
    const attacked = await generated(async () => {
      for (const until = performance.now() + attackMs; performance.now() < until && goneAfterMs === null; ) {
        await sleep(WATCH_EVERY_MS);
      }
    });
    const doneUnderAttack = honest.done.map((done, client) => done - (doneBefore[client] ?? 0));
    const tallies = await attackers.stop();
    const peak = group ? `, ${mebibytes(await group.peakBytes())} with all it started` : '';
    console.info(`attacked: at most ${mebibytes(mostBytes)} that cannot be taken back${peak}`);
    console.info(`attacked: honest jobs ${honest.done.join(' ')}, refused ${JSON.stringify(honest.refusals)}`);
    console.info(`attacked: generate ${summary(attacked.ms)}; before it ${summary(calm.ms)}`);
    // Attackers, Redis, worker and simulators take of the same processors, which is no fault of the gateway's: this is
    // what it did itself before it answered.
    const own = [attacked, calm].map((each) => summary(each.gatewayMs));
    console.info(`attacked: of the gateway's own time ${own[0]}; before it ${own[1]}`);
    console.info(reportOf(tallies));
    expect(goneAfterMs, 'the gateway died after so many ms').toBeNull();
    console.info(`fuzzed: ${JSON.stringify(await fuzzing)}`);
    await honest.finish();

    const idle = everyAttack.filter(
      (name) => !tallies[name]?.turns && !Object.keys(tallies[name]?.answers ?? {}).length,
    );
    expect(idle, 'every attack was tried').toEqual([]);
    expect(mostBytes).toBeLessThan(MEMORY_BYTES);
    expect(Math.min(...doneUnderAttack), 'each honest client gets on').toBeGreaterThan(0);
    expect(percentile(attacked.ms, 0.5)).toBeLessThan(MOST_TIMES_SLOWER * percentile(calm.ms, 0.5));
    expect(gateway.process.output()).not.toMatch(/"level":"(?:error|fatal)"/);
  },
  attackMs + 480_000,
);

function summary(ms: readonly number[]): string {
  const of = (share: number) => Math.round(percentile(ms, share));
  return `${ms.length} times, 50th percentile ${of(0.5)} ms, 99th ${of(0.99)} ms`;
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`;
}
