import { Redis } from 'ioredis';
import * as z from 'zod';
import type { Bench, BenchContext } from '../bench.ts';
import { type Child, startChild } from '../child.ts';
import { jobsAnswerSchema } from '../load/run-all.ts';
import { startGateway, startSimulator, startWorker } from '../product.ts';
import { interleave, median } from '../rounds.ts';
import type { Row } from '../table.ts';

/** The number of prompts that a ComfyUI gets at a time: BACKEND_DEPTH. */
const DEPTH = 2;
/** The number of open jobs. It is larger than the depth, so that some wait in the queue, as at a busy gateway. */
const OPEN = 6;
const PEER = 'driver of the same ComfyUI';
/** The pause between two jobs of an idle gateway. */
const PAUSE_MS = 60;

interface Size {
  pixels: number;
  steps: number;
}

/**
 * Measures jobs per second, and the time that the gateway adds to one job, from the request to the downloaded picture.
 */
export const benchJobs: Bench = async (context) => {
  const { quick } = context;
  const waiting = async ({ busy, idle }: Measuring): Promise<Row[]> => [
    { ...(await busy({ pixels: 256, steps: 20 }, quick ? 6 : 40, 'a step takes 5 ms')), target: AT_LEAST },
    { ...(await idle({ pixels: 64, steps: 4 }, quick ? 3 : 20)), target: AT_MOST_ADDED },
  ];
  const painting = async ({ busy, cpu }: Measuring): Promise<Row[]> => [
    await busy({ pixels: 512, steps: 20 }, quick ? 6 : 30, 'no waits'),
    await busy({ pixels: 64, steps: 4 }, quick ? 6 : 150, 'no waits'),
    cpu(),
  ];
  // A smoke run starts everything once.
  if (quick) return benchAtSpeed(NO_WAITS, context, async (m) => [...(await waiting(m)), ...(await painting(m))]);
  return [...(await benchAtSpeed(GPU_LIKE, context, waiting)), ...(await benchAtSpeed(NO_WAITS, context, painting))];
};

/** A step takes 5 ms, in which the processor is idle, as with a GPU. That is many times faster than any real server. */
const GPU_LIKE = 4;
/** The simulator renders as fast as it can, and so competes for the processor with what is measured. */
const NO_WAITS = 1_000_000;
const AT_LEAST = { of: 'ratio', is: 'at least', value: 0.9 } as const;
const AT_MOST_ADDED = { of: 'difference', is: 'at most', value: 25 } as const;

interface Measuring {
  /** Jobs per second while jobs are always waiting. */
  busy(size: Size, jobs: number, pace: string): Promise<Row>;
  /** The latency of one job at a time, with pauses between jobs. */
  idle(size: Size, jobs: number): Promise<Row>;
  /** The CPU time of gateway and worker together, in the last `busy`. */
  cpu(): Row;
}

async function benchAtSpeed(
  speed: number,
  context: BenchContext,
  measure: (measuring: Measuring) => Promise<Row[]>,
): Promise<Row[]> {
  const { quick, say, redis } = context;
  const rounds = quick ? 1 : 7;
  await using stack = new AsyncDisposableStack();
  const keep = (child: Child) => stack.adopt(child, (started) => started.stop());
  const loader = (script: string) => startChild({ args: [script], ready: /ready/, probe: false });

  const admin = stack.adopt(new Redis(redis.url), (client) => client.disconnect());
  await admin.flushall();
  const simulator = keep(await startSimulator(speed));
  const gateway = keep(await startGateway(context));
  const worker = keep(await startWorker(context, [simulator.url]));
  const contenders = {
    comfygate: { load: keep(await loader('bench/load/gateway-jobs.ts')), url: gateway.url, busy: OPEN },
    driver: { load: keep(await loader('bench/peers/comfyui-driver.ts')), url: simulator.url, busy: DEPTH },
  };
  let cpuMs: number[] = [];

  const cpu = async () => (await gateway.call('cpu', null, z.number())) + (await worker.call('cpu', null, z.number()));

  async function run(name: keyof typeof contenders, size: Size, jobs: number, idle: boolean) {
    const { load, url, busy } = contenders[name];
    const args = { url, jobs, atOnce: idle ? 1 : busy, pauseMs: idle ? PAUSE_MS : 0, ...size };
    const cpuBefore = await cpu();
    const { perSecond, latenciesMs } = await load.call('run', args, jobsAnswerSchema);
    if (name === 'comfygate') cpuMs.push(((await cpu()) - cpuBefore) / jobs);
    const latencyMs = median(latenciesMs);
    say(`${name} ${named(size)}, ${args.atOnce} at once: ${perSecond.toFixed(1)}/s, ${latencyMs.toFixed(1)} ms each`);
    return { perSecond, latencyMs };
  }

  async function rounded(figure: string, of: 'perSecond' | 'latencyMs', size: Size, jobs: number): Promise<Row> {
    const idle = of === 'latencyMs';
    cpuMs = [];
    const measured = await interleave(rounds, {
      comfygate: () => run('comfygate', size, jobs, idle),
      driver: () => run('driver', size, jobs, idle),
    });
    const values = (name: keyof typeof measured) => measured[name].map((each) => each[of]);
    return { bench: 'jobs', figure, ours: values('comfygate'), peer: { name: PEER, values: values('driver') } };
  }

  // A warm-up, since the first jobs are slow.
  for (const name of ['comfygate', 'driver'] as const)
    await run(name, { pixels: 64, steps: 4 }, quick ? 4 : 100, false);
  // It must be awaited here, since the processes that it measures are stopped when this function returns.
  return await measure({
    busy: (size, jobs, pace) => rounded(`jobs/s, ${named(size)}, ${pace}`, 'perSecond', size, jobs),
    idle: (size, jobs) => rounded('one job when idle, ms', 'latencyMs', size, jobs),
    cpu: () => ({ bench: 'jobs', figure: 'CPU of gateway and worker, ms/job', ours: cpuMs, peer: null }),
  });
}

const named = ({ pixels, steps }: Size) => `${pixels} px, ${steps} steps`;
