import { join } from 'node:path';
import { productMain } from '../test/support/process.ts';
import type { BenchContext } from './bench.ts';
import { type Child, startChild } from './child.ts';

/**
 * NO_BACKEND_GRACE is longer than any run, since some benches have no ComfyUI and their jobs must still be accepted.
 */
const common = { LOG_LEVEL: 'error', NO_BACKEND_GRACE: '86400', PORT: '0', STORAGE_SHARED: 'true' };
const signed = { SIGNING_SECRET: 'bench-bench-bench-bench-bench-bench' };

/** `env`: further settings, such as another storage. `main`: another main file of the command. */
export function startGateway(
  { redis, dir }: BenchContext,
  {
    env = {},
    main = productMain,
    ...options
  }: { probe?: boolean; openFiles?: number; env?: Record<string, string>; main?: string } = {},
): Promise<Child> {
  return startChild({
    args: [main, 'gateway'],
    env: { ...common, ...signed, REDIS_URL: redis.url, DATA_DIR: join(dir, 'data'), ...env },
    ready: /Graphi?QL: (http:\S+)/,
    ...options,
  });
}

export function startWorker(
  { redis, dir }: BenchContext,
  comfyUrls: string[],
  env: Record<string, string> = {},
): Promise<Child> {
  return startChild({
    args: [productMain, 'worker'],
    env: {
      ...common,
      LOG_LEVEL: 'info',
      REDIS_URL: redis.url,
      DATA_DIR: join(dir, 'data'),
      // The peers have no authentication either.
      PREVIEW_METHOD: 'none',
      COMFYUI_URLS: comfyUrls.map((url, i) => `simulator${i}=${url}`).join(','),
      ...env,
    },
    ready: /worker started/,
  });
}

/** Starts gateway, worker, Redis, simulator and storage like `npm start`, with a data folder of its own. */
export function startAllInOne(
  dataDir: string,
  { main, ...options }: { main: string; probe?: boolean },
): Promise<Child> {
  return startChild({
    args: [main, 'start'],
    env: { LOG_LEVEL: 'error', PORT: '0', DATA_DIR: dataDir },
    ready: /(http:\S+\/graphql)/,
    ...options,
  });
}

export function startSimulator(speed: number): Promise<Child> {
  return startChild({
    args: [productMain, 'simulator', '--port', '0', '--speed', String(speed)],
    ready: /simulated ComfyUI on (http:\S+)/,
  });
}
