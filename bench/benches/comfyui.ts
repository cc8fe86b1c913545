import { Redis } from 'ioredis';
import * as z from 'zod';
import type { Bench } from '../bench.ts';
import { openJobContenders, PEER } from '../job-contenders.ts';
import { interleave } from '../rounds.ts';
import type { Row } from '../table.ts';

/** What any ComfyUI makes without a model, in a few milliseconds: nothing hides what is added to it. */
const PICTURE = { pixels: 512, steps: null };
/** Applications with one job at a time, and the least share of direct jobs a second that they are to get. */
const CLIENTS = [
  { atOnce: 1, jobs: 40, least: 0.7 },
  { atOnce: 4, jobs: 120, least: 0.9 },
  { atOnce: 16, jobs: 240, least: 0.9 },
];
const PAUSE_MS = 60;

const statsSchema = z.object({ system: z.object({ comfyui_version: z.string() }) });

/** Measures jobs per second, and what the gateway adds to one job, in front of a ComfyUI that is running at `url`. */
export const benchComfyui =
  (url: string): Bench =>
  async (context) => {
    const { quick, redis, say } = context;
    const rounds = quick ? 1 : 7;
    const answer = await fetch(new URL('/system_stats', url)).catch((cause) => {
      throw new Error(`no ComfyUI answers at ${url}: start one, and give its address`, { cause });
    });
    const { system } = statsSchema.parse(await answer.json());
    say(`ComfyUI ${system.comfyui_version}; Redis syncs each write, results are synced before a job has succeeded`);

    await using stack = new AsyncDisposableStack();
    const admin = stack.adopt(new Redis(redis.url), (client) => client.disconnect());
    await admin.flushall();
    const contenders = await openJobContenders(context, url.replace(/\/$/, ''), stack);

    async function row(figure: string, of: 'perSecond' | 'latencyMs', load: { jobs: number; atOnce: number }) {
      const plan = { picture: PICTURE, ...load, pauseMs: of === 'latencyMs' ? PAUSE_MS : 0 };
      const measured = await interleave(rounds, {
        comfygate: () => contenders.run('comfygate', plan),
        driver: () => contenders.run('driver', plan),
      });
      const values = (name: keyof typeof measured) => measured[name].map((each) => each[of]);
      return { bench: 'comfyui', figure, ours: values('comfygate'), peer: { name: PEER, values: values('driver') } };
    }

    // A warm-up, since the first jobs are slow.
    for (const name of ['comfygate', 'driver'] as const) {
      await contenders.run(name, { picture: PICTURE, jobs: quick ? 4 : 100, atOnce: 4 });
    }
    const rows: Row[] = [];
    for (const { atOnce, jobs, least } of CLIENTS) {
      const figure = `jobs/s, EmptyImage 512 px to SaveImage, clients: ${atOnce}`;
      const target = { of: 'ratio', is: 'at least', value: least } as const;
      rows.push({ ...(await row(figure, 'perSecond', { atOnce, jobs: quick ? atOnce : jobs })), target });
    }
    const idle = await row('one job when idle, ms', 'latencyMs', { atOnce: 1, jobs: quick ? 3 : 20 });
    return [...rows, { ...idle, target: { of: 'difference', is: 'at most', value: 8 } }];
  };
