import type { Bench } from '../bench.ts';
import { type Child, startChild } from '../child.ts';
import { jobsAnswerSchema } from '../load/run-all.ts';
import { startGateway, startSimulator, startWorker } from '../product.ts';
import { interleave } from '../rounds.ts';
import type { Row } from '../table.ts';

/** A step takes 20 ms, in which the processor is idle, as with a GPU. */
const GPU_LIKE = 1;
/** The number of open jobs for each server: two are at the server, the others wait in the queue. */
const OPEN = 4;
const MOST = 4;
const PICTURE = { pixels: 128, steps: 20 };

/**
 * Measures jobs per second with one, two and four servers behind one worker, against multiples of one server's rate.
 */
export const benchServers: Bench = async (context) => {
  const { quick, say } = context;
  await using stack = new AsyncDisposableStack();
  const keep = (child: Child) => stack.adopt(child, (started) => started.stop());
  const simulators: Child[] = [];
  for (let i = 0; i < MOST; i++) simulators.push(keep(await startSimulator(quick ? 50 : GPU_LIKE)));
  const gateway = keep(await startGateway(context));
  const load = keep(await startChild({ args: ['bench/load/gateway-jobs.ts'], ready: /ready/, probe: false }));

  async function perSecond(servers: number): Promise<number> {
    const worker = await startWorker(
      context,
      simulators.slice(0, servers).map(({ url }) => url),
    );
    try {
      const run = (jobs: number) =>
        load.call(
          'run',
          { url: gateway.url, jobs, atOnce: OPEN * servers, pauseMs: 0, picture: PICTURE },
          jobsAnswerSchema,
        );
      await run(2 * servers);
      const measured = await run((quick ? 2 : 24) * servers);
      say(`${servers} servers: ${measured.perSecond.toFixed(2)}/s`);
      return measured.perSecond;
    } finally {
      await worker.stop();
    }
  }

  const measured = await interleave(quick ? 1 : 5, {
    one: () => perSecond(1),
    two: () => perSecond(2),
    four: () => perSecond(4),
  });
  const row = (servers: number, ours: number[]): Row => ({
    bench: 'servers',
    figure: `jobs/s with ${servers} ComfyUIs`,
    ours,
    peer: { name: `${servers} x what one does`, values: measured.one.map((value) => servers * value) },
    target: { of: 'ratio', is: 'at least', value: 0.95 },
  });
  return [row(2, measured.two), row(4, measured.four)];
};
