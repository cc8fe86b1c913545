import * as z from 'zod';
import type { BenchContext } from './bench.ts';
import { type Child, startChild } from './child.ts';
import type { Picture } from './load/picture.ts';
import { jobsAnswerSchema } from './load/run-all.ts';
import { startGateway, startWorker } from './product.ts';
import { median } from './rounds.ts';

export const PEER = 'driver of the same ComfyUI';

export interface JobLoad {
  picture: Picture;
  jobs: number;
  /** The number of jobs at a time. */
  atOnce: number;
  /** The pause between two jobs of the same slot. Default 0. */
  pauseMs?: number;
}

export interface JobContenders {
  run(name: 'comfygate' | 'driver', load: JobLoad): Promise<{ perSecond: number; latencyMs: number }>;
  /** What gateway and worker have taken of the processor so far, in milliseconds. */
  cpuMs(): Promise<number>;
}

/**
 * Gateway and worker in front of a ComfyUI, and a driver that speaks to the same ComfyUI directly; `stack` ends them.
 */
export async function openJobContenders(
  context: BenchContext,
  comfyUrl: string,
  stack: AsyncDisposableStack,
): Promise<JobContenders> {
  const keep = (child: Child) => stack.adopt(child, (started) => started.stop());
  const loader = async (script: string) => keep(await startChild({ args: [script], ready: /ready/, probe: false }));
  const gateway = keep(await startGateway(context));
  const worker = keep(await startWorker(context, [comfyUrl]));
  const contenders = {
    comfygate: { load: await loader('bench/load/gateway-jobs.ts'), url: gateway.url },
    driver: { load: await loader('bench/peers/comfyui-driver.ts'), url: comfyUrl },
  };

  return {
    async run(name, { picture, pauseMs = 0, ...plan }) {
      const { load, url } = contenders[name];
      const { perSecond, latenciesMs } = await load.call('run', { url, ...plan, pauseMs, picture }, jobsAnswerSchema);
      const latencyMs = median(latenciesMs);
      context.say(
        `${name} ${pictureName(picture)}, ${plan.atOnce} at once: ` +
          `${perSecond.toFixed(1)}/s, ${latencyMs.toFixed(1)} ms each`,
      );
      return { perSecond, latencyMs };
    },
    async cpuMs() {
      return (await gateway.call('cpu', null, z.number())) + (await worker.call('cpu', null, z.number()));
    },
  };
}

export const pictureName = ({ pixels, steps }: Picture) =>
  `${pixels} px, ${steps === null ? 'no model' : `${steps} steps`}`;
