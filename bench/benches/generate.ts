import { Redis } from 'ioredis';
import * as z from 'zod';
import type { Bench } from '../bench.ts';
import { type Child, startChild } from '../child.ts';
import { startGateway } from '../product.ts';
import { interleave } from '../rounds.ts';
import type { Row } from '../table.ts';

const CONNECTIONS = 32;

const answerSchema = z.object({ perSecond: z.number(), calls: z.int(), p99Ms: z.number() });

/** Measures the calls of `generate` per second that are answered after record and queue were written. */
export const benchGenerate: Bench = async (context) => {
  const { redis, quick, say } = context;
  const rounds = quick ? 1 : 7;
  const ms = quick ? 400 : 2_000;
  const warmMs = quick ? 200 : 500;
  await using stack = new AsyncDisposableStack();
  const keep = (child: Child) => stack.adopt(child, (started) => started.stop());
  const peer = (script: string) =>
    startChild({ args: [script], env: { REDIS_URL: redis.url }, ready: /ready (http:\S+)/ });

  const admin = stack.adopt(new Redis(redis.url), (client) => client.disconnect());
  const load = keep(await startChild({ args: ['bench/load/generate.ts'], ready: /ready/, probe: false }));
  const servers = {
    comfygate: keep(await startGateway(context)),
    yoga: keep(await peer('bench/peers/yoga.ts')),
    mercurius: keep(await peer('bench/peers/mercurius.ts')),
  };

  async function measure(name: keyof typeof servers, round: number) {
    const server = servers[name];
    // Each round begins with an empty queue, so that no contender is measured with the jobs of another.
    await admin.flushall();
    const cpuBefore = await server.call('cpu', null, z.number());
    const args = { url: server.url, connections: CONNECTIONS, warmMs, ms, run: `${name}-${round}` };
    const { perSecond, calls, p99Ms } = await load.call('run', args, answerSchema);
    const cpuMs = (await server.call('cpu', null, z.number())) - cpuBefore;
    say(
      `${name} ${perSecond.toFixed(0)}/s, p99 ${p99Ms.toFixed(1)} ms, ` +
        `${((cpuMs * 1000) / calls).toFixed(0)} us of CPU each`,
    );
    return { perSecond, cpuUs: (cpuMs * 1000) / calls, p99Ms };
  }

  // A warm-up, since the first calls are slow.
  for (const name of ['comfygate', 'yoga', 'mercurius'] as const) await measure(name, -1);
  const measured = await interleave(rounds, {
    comfygate: (round) => measure('comfygate', round),
    yoga: (round) => measure('yoga', round),
    mercurius: (round) => measure('mercurius', round),
  });
  const values = (name: keyof typeof servers, of: 'perSecond' | 'cpuUs' | 'p99Ms') =>
    measured[name].map((each) => each[of]);
  const row = (figure: string, of: 'perSecond' | 'cpuUs' | 'p99Ms', peerName: 'yoga' | 'mercurius'): Row => ({
    bench: 'generate',
    figure,
    ours: values('comfygate', of),
    peer: { name: PEERS[peerName], values: values(peerName, of) },
  });
  return [
    { ...row('calls/s', 'perSecond', 'yoga'), target: { of: 'ratio', is: 'at least', value: 1 } },
    row('calls/s', 'perSecond', 'mercurius'),
    row('CPU of the server, us/call', 'cpuUs', 'yoga'),
    row('CPU of the server, us/call', 'cpuUs', 'mercurius'),
    row('99th percentile, ms', 'p99Ms', 'yoga'),
  ];
};

const PEERS = { yoga: 'plain Yoga + BullMQ', mercurius: 'plain Mercurius + BullMQ' };
