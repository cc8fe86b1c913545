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
  const rounds = quick ? 1 : 7;
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

  const throughput = async (size: Size, jobs: number) => {
    const measured = await interleave(rounds, {
      comfygate: () => measure('comfygate', size, jobs, contenders.comfygate.busy),
      driver: () => measure('driver', size, jobs, contenders.driver.busy),
    });
    return {
      ours: median(measured.comfygate.map(({ perSecond }) => perSecond)),
      peer: { name: PEER, value: median(measured.driver.map(({ perSecond }) => perSecond)) },
    };
  };

  // What was never done before is slow the first time.
  for (const name of ['comfygate', 'driver'] as const) await measure(name, USUAL, quick ? 3 : 40, DEPTH);
  const usual = await throughput(USUAL, quick ? 6 : 60);
  const tiny = await throughput(TINY, quick ? 6 : 200);
  const idle = await interleave(rounds, {
    comfygate: () => measure('comfygate', TINY, quick ? 3 : 20, 1),
    driver: () => measure('driver', TINY, quick ? 3 : 20, 1),
  });
  const ours = median(idle.comfygate.map(({ latencyMs }) => latencyMs));
  const theirs = median(idle.driver.map(({ latencyMs }) => latencyMs));
  return [
    { bench: 'jobs', figure: `jobs/s, ${named(USUAL)}`, ...usual, target: { is: 'at least', value: 0.9 } },
    { bench: 'jobs', figure: `jobs/s, ${named(TINY)}`, ...tiny },
    {
      bench: 'jobs',
      figure: 'one job when idle, ms',
      ours,
      peer: { name: PEER, value: theirs },
      compared: ours - theirs,
      target: { is: 'at most', value: 25, unit: ' ms more' },
    },
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
