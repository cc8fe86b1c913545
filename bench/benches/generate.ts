import { Redis } from 'ioredis';
import * as z from 'zod';
import type { Bench } from '../bench.ts';
import { type Child, startChild } from '../child.ts';
import { startGateway } from '../product.ts';
import { interleave } from '../rounds.ts';
import type { Row } from '../table.ts';

/** A gateway reads few jobs at a time for one client. */
const CONNECTIONS = { generate: 32, job: 4, jobs: 4 };
type Operation = keyof typeof CONNECTIONS;

const answerSchema = z.object({ perSecond: z.number(), calls: z.int(), p99Ms: z.number() });

/**
 * Measures the calls of `generate` per second that are answered after record and queue were written, and what they and
 * the reads of a job and of a page of twenty take of the server's processor.
 */
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

  async function measure(operation: Operation, name: keyof typeof servers, round: number) {
    const server = servers[name];
    // Each round begins with an empty queue, so that no contender is measured with the jobs of another.
    await admin.flushall();
    const cpuBefore = await server.call('cpu', null, z.number());
    const connections = CONNECTIONS[operation];
    const args = { url: server.url, operation, connections, warmMs, ms, run: `${name}-${round}` };
    const { perSecond, calls, p99Ms } = await load.call('run', args, answerSchema);
    const cpuUs = (((await server.call('cpu', null, z.number())) - cpuBefore) * 1000) / calls;
    say(`${operation}: ${name} ${perSecond.toFixed(0)}/s, p99 ${p99Ms.toFixed(1)} ms, ${cpuUs.toFixed(0)} us of CPU`);
    return { perSecond, cpuUs, p99Ms };
  }

  async function measureAll(operation: Operation) {
    // A warm-up, since the first calls are slow.
    for (const name of ['comfygate', 'yoga', 'mercurius'] as const) await measure(operation, name, -1);
    return interleave(rounds, {
      comfygate: (round) => measure(operation, 'comfygate', round),
      yoga: (round) => measure(operation, 'yoga', round),
      mercurius: (round) => measure(operation, 'mercurius', round),
    });
  }

  const measured = {
    generate: await measureAll('generate'),
    job: await measureAll('job'),
    jobs: await measureAll('jobs'),
  };
  const row = (
    figure: string,
    operation: Operation,
    of: 'perSecond' | 'cpuUs' | 'p99Ms',
    peerName: 'yoga' | 'mercurius',
  ): Row => ({
    bench: 'generate',
    figure,
    ours: measured[operation].comfygate.map((each) => each[of]),
    peer: { name: PEERS[peerName], values: measured[operation][peerName].map((each) => each[of]) },
  });
  return [
    { ...row('calls/s', 'generate', 'perSecond', 'yoga'), target: { of: 'ratio', is: 'at least', value: 1 } },
    row('calls/s', 'generate', 'perSecond', 'mercurius'),
    row('CPU of the server, us/call', 'generate', 'cpuUs', 'yoga'),
    row('CPU of the server, us/call', 'generate', 'cpuUs', 'mercurius'),
    row('99th percentile, ms', 'generate', 'p99Ms', 'yoga'),
    row('job: CPU of the server, us/call', 'job', 'cpuUs', 'mercurius'),
    row('jobs, 20: CPU of the server, us/call', 'jobs', 'cpuUs', 'mercurius'),
  ];
};

const PEERS = { yoga: 'plain Yoga + BullMQ', mercurius: 'plain Mercurius + BullMQ' };
