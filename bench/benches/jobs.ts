import { Redis } from 'ioredis';
import type { Bench, BenchContext } from '../bench.ts';
import { openJobContenders, PEER, pictureName } from '../job-contenders.ts';
import type { Picture } from '../load/picture.ts';
import { startSimulator } from '../product.ts';
import { interleave } from '../rounds.ts';
import type { Row } from '../table.ts';

/** The number of prompts that a ComfyUI gets at a time: BACKEND_DEPTH. */
const DEPTH = 2;
/** The number of open jobs. It is larger than the depth, so that some wait in the queue, as at a busy gateway. */
const OPEN = 6;
/** The pause between two jobs of an idle gateway. */
const PAUSE_MS = 60;

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
  busy(picture: Picture, jobs: number, pace: string): Promise<Row>;
  /** The latency of one job at a time, with pauses between jobs. */
  idle(picture: Picture, jobs: number): Promise<Row>;
  /** The CPU time of gateway and worker together, in the last `busy`. */
  cpu(): Row;
}

async function benchAtSpeed(
  speed: number,
  context: BenchContext,
  measure: (measuring: Measuring) => Promise<Row[]>,
): Promise<Row[]> {
  const { quick, redis } = context;
  const rounds = quick ? 1 : 7;
  await using stack = new AsyncDisposableStack();
  const admin = stack.adopt(new Redis(redis.url), (client) => client.disconnect());
  await admin.flushall();
  const simulator = stack.adopt(await startSimulator(speed), (started) => started.stop());
  const contenders = await openJobContenders(context, simulator.url, stack);
  const busyAt = { comfygate: OPEN, driver: DEPTH };
  let cpuMs: number[] = [];

  async function run(name: 'comfygate' | 'driver', picture: Picture, jobs: number, idle: boolean) {
    const cpuBefore = await contenders.cpuMs();
    const load = { picture, jobs, atOnce: idle ? 1 : busyAt[name], pauseMs: idle ? PAUSE_MS : 0 };
    const measured = await contenders.run(name, load);
    if (name === 'comfygate') cpuMs.push(((await contenders.cpuMs()) - cpuBefore) / jobs);
    return measured;
  }

  async function rounded(figure: string, of: 'perSecond' | 'latencyMs', picture: Picture, jobs: number): Promise<Row> {
    const idle = of === 'latencyMs';
    cpuMs = [];
    const measured = await interleave(rounds, {
      comfygate: () => run('comfygate', picture, jobs, idle),
      driver: () => run('driver', picture, jobs, idle),
    });
    const values = (name: keyof typeof measured) => measured[name].map((each) => each[of]);
    return { bench: 'jobs', figure, ours: values('comfygate'), peer: { name: PEER, values: values('driver') } };
  }

  // A warm-up, since the first jobs are slow.
  for (const name of ['comfygate', 'driver'] as const)
    await run(name, { pixels: 64, steps: 4 }, quick ? 4 : 100, false);
  // It must be awaited here, since the processes that it measures are stopped when this function returns.
  return await measure({
    busy: (picture, jobs, pace) => rounded(`jobs/s, ${pictureName(picture)}, ${pace}`, 'perSecond', picture, jobs),
    idle: (picture, jobs) => rounded('one job when idle, ms', 'latencyMs', picture, jobs),
    cpu: () => ({ bench: 'jobs', figure: 'CPU of gateway and worker, ms/job', ours: cpuMs, peer: null }),
  });
}
