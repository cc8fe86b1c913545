import { join } from 'node:path';
import * as z from 'zod';
import type { Bench } from '../bench.ts';
import { type Child, startChild } from '../child.ts';
import { startAllInOne, startGateway } from '../product.ts';
import { interleave, median } from '../rounds.ts';

const PEER = 'plain Yoga + BullMQ';
const MIB = 1024 * 1024;

/** From the start of a process to its taking requests, and the memory it has then. */
export const benchStart: Bench = async (around) => {
  const { quick, redis, dir, say } = around;

  async function measure(name: string, start: () => Promise<Child>) {
    const server = await start();
    try {
      const mib = (await server.call('rss', null, z.number())) / MIB;
      say(`${name} ready in ${server.readyMs.toFixed(0)} ms with ${mib.toFixed(0)} MiB`);
      return { ms: server.readyMs, mib };
    } finally {
      await server.stop();
    }
  }

  const env = { REDIS_URL: redis.url };
  const measured = await interleave(quick ? 1 : 7, {
    gateway: () => measure('gateway', () => startGateway(around)),
    yoga: () => measure('yoga', () => startChild({ args: ['bench/peers/yoga.ts'], env, ready: /ready (http:\S+)/ })),
    allInOne: (round) => measure('all in one', () => startAllInOne(join(dir, `all-${round}`))),
  });
  const value = (name: keyof typeof measured, of: 'ms' | 'mib') => median(measured[name].map((each) => each[of]));
  const readyMs = value('gateway', 'ms');
  return [
    {
      bench: 'start',
      figure: 'gateway ready, ms',
      ours: readyMs,
      peer: { name: PEER, value: value('yoga', 'ms') },
      compared: readyMs / 1000,
      target: { is: 'at most', value: 3, unit: ' s' },
    },
    { bench: 'start', figure: 'all in one ready, ms', ours: value('allInOne', 'ms'), peer: null },
    {
      bench: 'start',
      figure: 'resident when ready, MiB: gateway',
      ours: value('gateway', 'mib'),
      peer: { name: PEER, value: value('yoga', 'mib') },
    },
    { bench: 'start', figure: 'resident when ready, MiB: all in one', ours: value('allInOne', 'mib'), peer: null },
  ];
};
