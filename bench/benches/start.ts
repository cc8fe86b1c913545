import { join } from 'node:path';
import * as z from 'zod';
import type { Bench } from '../bench.ts';
import { type Child, startChild } from '../child.ts';
import { startAllInOne, startGateway } from '../product.ts';
import { interleave } from '../rounds.ts';

const PEER = 'plain Yoga + BullMQ';
const MIB = 1024 * 1024;

/** Measures the time from the start of a process until it takes requests, and its memory then. */
export const benchStart: Bench = async (context) => {
  const { quick, redis, dir, say } = context;

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
  const measured = await interleave(quick ? 1 : 5, {
    gateway: () => measure('gateway', () => startGateway(context)),
    yoga: () => measure('yoga', () => startChild({ args: ['bench/peers/yoga.ts'], env, ready: /ready (http:\S+)/ })),
    allInOne: (round) => measure('all in one', () => startAllInOne(join(dir, `all-${round}`))),
  });
  const values = (name: keyof typeof measured, of: 'ms' | 'mib') => measured[name].map((each) => each[of]);
  return [
    {
      bench: 'start',
      figure: 'gateway ready, ms',
      ours: values('gateway', 'ms'),
      peer: { name: PEER, values: values('yoga', 'ms') },
      target: { of: 'figure', is: 'at most', value: 3_000 },
    },
    { bench: 'start', figure: 'all in one ready, ms', ours: values('allInOne', 'ms'), peer: null },
    {
      bench: 'start',
      figure: 'resident when ready, MiB: gateway',
      ours: values('gateway', 'mib'),
      peer: { name: PEER, values: values('yoga', 'mib') },
    },
    { bench: 'start', figure: 'resident when ready, MiB: all in one', ours: values('allInOne', 'mib'), peer: null },
  ];
};
