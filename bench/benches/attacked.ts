import { Redis } from 'ioredis';
import { createKeys } from '../../src/redis/keys.ts';
import { reportOf, startAttackers } from '../../test/support/attacks/attackers.ts';
import { type AttackName, attacks } from '../../test/support/attacks/every-attack.ts';
import { prepareTarget } from '../../test/support/attacks/prepare.ts';
import type { Bench } from '../bench.ts';
import { type Child, startChild } from '../child.ts';
import { usersAnswerSchema } from '../load/users-plan.ts';
import { startGateway, startSimulator, startWorker } from '../product.ts';
import { interleave, percentile } from '../rounds.ts';
import type { Row } from '../table.ts';

const SERVERS = 2;
const SPEED = 20;
const USERS = 10;
/** What an attack has left in the queue must not slow down the round after it. */
const QUEUE_EMPTY_TIMEOUT_MS = 120_000;
const size = { pixels: 64, steps: 4 };
const everyAttack = Object.keys(attacks) as AttackName[];

/**
 * Measures honest users while one process attacks the gateway in every way that B07 names, and the same users without
 * it, in turn. The attackers come last for a processor, since two cores are also those of the users.
 */
export const benchAttacked: Bench = async (context) => {
  const { redis, quick, say } = context;
  const rounds = quick ? 1 : 7;
  const plan = quick ? { users: 4, warmMs: 200, ms: 2_000 } : { users: USERS, warmMs: 3_000, ms: 15_000 };
  await using stack = new AsyncDisposableStack();
  const keep = (child: Child) => stack.adopt(child, (started) => started.stop());
  const admin = stack.adopt(new Redis(redis.url), (client) => client.disconnect());
  const keys = createKeys('comfygate');
  await admin.flushall();
  const simulators: Child[] = [];
  for (let i = 0; i < SERVERS; i++) simulators.push(keep(await startSimulator(SPEED)));
  const gateway = keep(await startGateway(context));
  keep(
    await startWorker(
      context,
      simulators.map(({ url }) => url),
    ),
  );
  const users = keep(await startChild({ args: ['bench/load/users.ts'], ready: /ready/, probe: false }));
  const target = await prepareTarget(new URL(gateway.url).origin, {
    pictures: quick ? 1 : 2,
    side: quick ? 256 : 4096,
  });

  async function measure(name: string) {
    const deadline = performance.now() + QUEUE_EMPTY_TIMEOUT_MS;
    while ((await admin.zcard(keys.open)) > 0) {
      if (performance.now() > deadline) throw new Error('jobs of the attackers never end');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const attackers = name === 'attacked' ? await startAttackers(target, everyAttack) : null;
    const answer = await users.call('run', { url: gateway.url, ...plan, ...size }, usersAnswerSchema);
    const tallies = (await attackers?.stop()) ?? {};
    const { jobs, failed, faults, generateMs } = answer;
    if (jobs === 0) throw new Error(`no job was done: ${faults.join(', ')}`);
    const p99 = percentile(generateMs, 0.99);
    say(`${name}: ${jobs} jobs, ${failed} failed ${faults.join(', ')}, generate p99 ${p99.toFixed(1)} ms`);
    if (attackers) say(reportOf(tallies));
    const sum = (of: 'turns' | 'sentBytes') => Object.values(tallies).reduce((total, each) => total + each[of], 0);
    const seconds = (plan.warmMs + plan.ms) / 1_000;
    return {
      p50: percentile(generateMs, 0.5),
      p99,
      good: (100 * jobs) / (jobs + failed),
      jobs,
      turns: sum('turns') / seconds,
      megabytes: sum('sentBytes') / 1e6 / seconds,
    };
  }

  await measure('calm');
  const measured = await interleave(rounds, { attacked: () => measure('attacked'), calm: () => measure('calm') });
  type Figure = keyof (typeof measured.calm)[number];
  const values = (name: 'attacked' | 'calm', of: Figure) => measured[name].map((each) => each[of]);
  const beside = (figure: string, of: Figure): Row => ({
    bench: 'attacked',
    figure,
    ours: values('attacked', of),
    peer: { name: 'the same users without attackers', values: values('calm', of) },
  });
  const alone = (figure: string, of: Figure): Row => ({
    bench: 'attacked',
    figure,
    ours: values('attacked', of),
    peer: null,
  });
  return [
    { ...beside('generate, 99th percentile, ms', 'p99'), target: { of: 'ratio', is: 'at most', value: 2 } },
    beside('generate, 50th percentile, ms', 'p50'),
    beside('jobs of honest users in a round', 'jobs'),
    { ...alone('honest jobs that succeeded, %', 'good'), target: { of: 'figure', is: 'at least', value: 100 } },
    alone('messages and requests of the attackers a second', 'turns'),
    alone('sent by the attackers, MB/s', 'megabytes'),
  ];
};
