import type { Bench } from '../bench.ts';
import { type Child, startChild } from '../child.ts';
import { jobsAnswerSchema } from '../load/run-all.ts';
import { startGateway, startSimulator, startWorker } from '../product.ts';
import { interleave, median } from '../rounds.ts';

/** Prompts that a ComfyUI is given at a time: BACKEND_DEPTH. */
const DEPTH = 2;
/** Jobs that callers of the gateway have open: some wait in its queue, as they do at a busy gateway. */
const OPEN = 6;
const PEER = 'driver of the same ComfyUI';
/** Between two jobs of an idle gateway. */
const PAUSE_MS = 60;

/** Jobs per second, and what the gateway adds to one job, from asking for it to its picture being here. */
export const benchJobs: Bench = async (around) => {
  const { quick, say } = around;
  const rounds = quick ? 1 : 5;
  await using stack = new AsyncDisposableStack();
  const keep = (child: Child) => stack.adopt(child, (started) => started.stop());
  const loader = (script: string) => startChild({ args: [script], ready: /ready/, probe: false });

  const simulator = keep(await startSimulator(SPEED));
  const gateway = keep(await startGateway(around));
  keep(await startWorker(around, simulator.url));
  const contenders = {
    comfygate: { load: keep(await loader('bench/load/gateway-jobs.ts')), url: gateway.url, busy: OPEN },
    driver: { load: keep(await loader('bench/peers/comfyui-driver.ts')), url: simulator.url, busy: DEPTH },
  };

  async function measure(name: keyof typeof contenders, size: Size, jobs: number, atOnce: number) {
    const { load, url } = contenders[name];
    const pauseMs = atOnce === 1 ? PAUSE_MS : 0;
    const { perSecond, latenciesMs } = await load.call(
      'run',
      { url, jobs, atOnce, pauseMs, ...size },
      jobsAnswerSchema,
    );
    const latencyMs = median(latenciesMs);
    say(`${name} ${size.pixels} px, ${atOnce} at once: ${perSecond.toFixed(1)}/s, ${latencyMs.toFixed(1)} ms each`);
    return { perSecond, latencyMs };
  }

  const rowOf = async (figure: string, of: 'perSecond' | 'latencyMs', size: Size, jobs: number, idle = false) => {
    const measured = await interleave(rounds, {
      comfygate: () => measure('comfygate', size, jobs, idle ? 1 : contenders.comfygate.busy),
      driver: () => measure('driver', size, jobs, idle ? 1 : contenders.driver.busy),
    });
    const values = (name: keyof typeof measured) => measured[name].map((each) => each[of]);
    return { bench: 'jobs', figure, ours: values('comfygate'), peer: { name: PEER, values: values('driver') } };
  };

  // What was never done before is slow the first time.
  for (const name of ['comfygate', 'driver'] as const) {
    await measure(name, USUAL, quick ? 2 : 20, DEPTH);
    await measure(name, TINY, quick ? 4 : 100, DEPTH);
  }
  const usual = await rowOf(`jobs/s, ${named(USUAL)}`, 'perSecond', USUAL, quick ? 6 : 30);
  const tiny = await rowOf(`jobs/s, ${named(TINY)}`, 'perSecond', TINY, quick ? 6 : 150);
  const idle = await rowOf('one job when idle, ms', 'latencyMs', TINY, quick ? 3 : 20, true);
  return [
    { ...usual, target: { of: 'ratio', is: 'at least', value: 0.9 } },
    tiny,
    { ...idle, target: { of: 'difference', is: 'at most', value: 25 } },
  ];
};

interface Size {
  pixels: number;
  steps: number;
}

/** How much faster than its own pace the simulator runs: a step of its sampler takes 0.4 ms. */
const SPEED = 50;
const USUAL: Size = { pixels: 512, steps: 20 };
/** Next to no work for the server: what is left is the drivers'. */
const TINY: Size = { pixels: 64, steps: 4 };
const named = ({ pixels, steps }: Size) => `${pixels} px and ${steps} steps`;
