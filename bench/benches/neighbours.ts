import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import * as z from 'zod';
import { createKeys } from '../../src/redis/keys.ts';
import { keyHeaders } from '../../test/support/api-keys.ts';
import type { Bench } from '../bench.ts';
import { type Child, startChild } from '../child.ts';
import { startGateway } from '../product.ts';
import { interleave, percentile } from '../rounds.ts';

const PAUSE_MS = 20;
const plan = { requestsPerMinute: 600, gpuSecondsPerMinute: 1_200, queued: 500, openUploads: 100 };
const bounds = { sockets: 20, subscriptions: 200 };

/**
 * Measures how long one caller's `generate` takes beside another who is at all limits of its plan and calls on four
 * connections as soon as it has been refused, over what it takes alone.
 */
export const benchNeighbours: Bench = async (context) => {
  const { redis, quick, dir, say } = context;
  const [rounds, ms] = quick ? [1, 400] : [7, 8_000];
  await using stack = new AsyncDisposableStack();
  const keep = (child: Child) => stack.adopt(child, (started) => started.stop());
  const admin = stack.adopt(new Redis(redis.url), (client) => client.disconnect());
  const plansFile = join(dir, 'plans.json');
  await writeFile(plansFile, JSON.stringify({ small: { ...plan, ...bounds }, internal: {} }));
  const { url } = keep(await startGateway(context, { env: { AUTH: 'keys', PLANS_FILE: plansFile } }));
  const ask = { admin, keys: createKeys('comfygate') };
  const [politeHeaders, greedyHeaders] = [await keyHeaders(ask, 'polite'), await keyHeaders(ask, 'greedy', 'small')];
  const start = async () => keep(await startChild({ args: ['bench/load/caller.ts'], ready: /ready/, probe: false }));
  const [polite, greedy] = [await start(), await start()];

  const measure = async () => {
    const taken = await polite.call('polite', { url, ms, pauseMs: PAUSE_MS, ...politeHeaders }, z.array(z.number()));
    return percentile(taken, 0.99);
  };
  const all = { connections: 4, sockets: bounds.sockets, subscriptions: bounds.subscriptions / bounds.sockets };
  async function beside() {
    await greedy.call('greedy', { url, ...all, uploads: plan.openUploads, ...greedyHeaders }, z.unknown());
    const p99Ms = await measure();
    const calls = await greedy.call('stop', null, z.int());
    say(`${p99Ms.toFixed(1)} ms beside ${calls} calls of another`);
    return p99Ms;
  }

  await measure();
  const measured = await interleave(rounds, { alone: measure, beside });
  return [
    {
      bench: 'neighbours',
      figure: 'generate beside one at all limits, 99th percentile, ms',
      ours: measured.beside,
      peer: { name: 'alone', values: measured.alone },
      target: { of: 'ratio', is: 'at most', value: 1.5 },
    },
  ];
};
