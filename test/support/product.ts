import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { expect, vi } from 'vitest';
import { createKeys, type Keys } from '../../src/redis/keys.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { onFreePort } from './free-port.ts';
import { createGatewayClient, type GatewayClient, PROMPT } from './gateway-client.ts';
import { createLedger, type Ledger, writeRow } from './ledger.ts';
import type { TestMinio } from './minio.ts';
import { type ProductProcess, startProduct, tempFolder } from './process.ts';
import { startTestRedis, type TestRedis } from './redis.ts';

/** A gateway process and an application that talks to it. */
export interface Gateway extends GatewayClient {
  process: ProductProcess;
  port: number;
}

export interface ProductOptions {
  /** Simulated ComfyUIs in this process, named `comfy1`, `comfy2`, …; default 1. */
  simulators?: number;
  /** Multiplies their speed; default 1. */
  speed?: number;
  /** For every process. */
  env?: Record<string, string>;
  /** Results are stored there instead of in a folder. */
  minio?: TestMinio;
  redisConfig?: Record<string, string>;
}

/** How long the product lives: a test's own context, or what `disposals` gives for a suite. */
export interface Lifetime {
  onTestFinished(dispose: () => Promise<void>): void;
  onTestFailed?(show: () => void): void;
  task?: { name: string };
}

/** A Redis, ComfyUIs and storage of a test's own, and any number of real processes of the product on them. */
export interface Product {
  redis: TestRedis;
  /** To look into Redis and to break things there. */
  admin: Redis;
  keys: Keys;
  simulators: Simulator[];
  /** What every process is given. */
  env: Record<string, string>;
  /** What clients were told; when it closes, no secret may be in there. */
  texts: string[];
  /** What clients were told of their jobs, and when what was broken was mended. */
  ledger: Ledger;
  /** Starts a gateway and waits until it serves. */
  gateway(env?: Record<string, string>): Promise<Gateway>;
  /** Starts a gateway and a worker in one process, as `npm start` does, and waits until it serves. */
  both(env?: Record<string, string>): Promise<Gateway>;
  /** Starts a worker and waits until it has reported itself. */
  worker(env?: Record<string, string>): Promise<ProductProcess>;
  /** The same simulated ComfyUI, as after a crash: at its old address, knowing nothing. It must have been closed. */
  restartSimulator(index: number): Promise<Simulator>;
}

/** Speeds up the start of the processes: their sources are compiled once. */
const COMPILE_CACHE = fileURLToPath(new URL('../../node_modules/.cache/comfygate-tests', import.meta.url));

/** Many start at once, on two cores. */
const START_TIMEOUT_MS = 120_000;

/** What no answer, no event and no log may hold, whatever broke. */
function expectNoSecrets(texts: string[], forbidden: string[]) {
  for (const text of texts) {
    for (const secret of forbidden) {
      if (text.includes(secret)) expect.fail(`an answer or a log holds ${JSON.stringify(secret)}: ${text}`);
    }
  }
}

/** Everything ends with the test; the processes' output is shown when it fails. */
export async function openProduct(test: Lifetime, options: ProductOptions = {}): Promise<Product> {
  // Each process that a test starts listens for the end of the tests.
  process.setMaxListeners(200);
  const undo: (() => Promise<unknown>)[] = [];
  test.onTestFinished(async () => {
    for (const each of undo.reverse()) await each();
  });
  await mkdir(COMPILE_CACHE, { recursive: true });
  const folder = await tempFolder();
  undo.push(folder.remove);
  const redis = await startTestRedis({ config: options.redisConfig ?? {} });
  undo.push(redis.close);
  const admin = new Redis(redis.url, { maxRetriesPerRequest: null });
  admin.on('error', () => undefined);
  undo.push(async () => admin.disconnect());

  const { speed = 1, minio } = options;
  const simulators: Simulator[] = [];
  for (let i = 0; i < (options.simulators ?? 1); i++) {
    simulators.push(await onFreePort((port) => startSimulator({ port, speed })));
  }
  undo.push(() => Promise.all(simulators.map((simulator) => simulator.close())));

  const signingSecret = randomBytes(32).toString('hex');
  const env: Record<string, string> = {
    NODE_COMPILE_CACHE: COMPILE_CACHE,
    REDIS_URL: redis.url,
    COMFYUI_URLS: simulators.map(({ url }, i) => `comfy${i + 1}=${url}`).join(','),
    DATA_DIR: folder.path,
    // Workers that are killed leave their temporary files.
    TMPDIR: folder.path,
    ...(minio
      ? { S3_ENDPOINT: minio.endpoint, S3_ACCESS_KEY: minio.accessKey, S3_SECRET_KEY: minio.secretKey }
      : { STORAGE_SHARED: 'true', SIGNING_SECRET: signingSecret }),
    ...options.env,
  };
  const keys = createKeys(env.REDIS_PREFIX ?? 'comfygate');

  const texts: string[] = [];
  const ledger = createLedger();
  const processes: ProductProcess[] = [];
  test.onTestFailed?.(() => {
    for (const each of processes) console.error(`process ${each.pid}:\n${each.output()}`);
  });
  undo.push(async () => {
    const scenario = test.task?.name ?? '';
    if (!/^C\d\d/.test(scenario)) return;
    const tally = await ledger.tally(admin, keys);
    writeRow({ scenario, ...tally, unavailableMs: null });
    expect(tally).toMatchObject({ lost: 0, doubled: 0 });
  });
  undo.push(async () => {
    // In good order where they can: what they have compiled is kept for the next ones only then.
    await Promise.all(processes.map((each) => each.stop(2_000)));
    const secrets = [signingSecret, minio?.secretKey ?? signingSecret];
    const ports = [redis.port, ...simulators.map(({ port }) => port)].map((port) => `127.0.0.1:${port}`);
    expectNoSecrets(texts, [...secrets, ...ports, folder.path, '/tmp', 'Traceback', 'node_modules']);
    expectNoSecrets(
      processes.map((each) => each.output()),
      [...secrets, PROMPT],
    );
  });

  function start(args: string[], more: Record<string, string>): ProductProcess {
    const process = startProduct(args, { ...env, ...more });
    processes.push(process);
    return process;
  }

  function startGateway(role: 'gateway' | 'start', more: Record<string, string> = {}): Promise<Gateway> {
    return onFreePort(async (port) => {
      const process = start([role], { PORT: String(port), ...more });
      await process.until('GraphiQL:', START_TIMEOUT_MS);
      return { process, port, ...createGatewayClient(`http://127.0.0.1:${port}`, texts, ledger) };
    });
  }

  return {
    redis,
    admin,
    keys,
    simulators,
    env,
    texts,
    ledger,
    gateway: (more) => startGateway('gateway', more),
    both: (more) => startGateway('start', more),
    async worker(more = {}) {
      const process = start(['worker'], more);
      await process.until('worker started', START_TIMEOUT_MS);
      return process;
    },
    async restartSimulator(index) {
      const old = simulators[index];
      if (!old) throw new Error(`there is no simulator ${index}`);
      const simulator = await startSimulator({ port: old.port, speed });
      simulators[index] = simulator;
      return simulator;
    },
  };
}

/** Waits for a condition, which throws or is false until it holds. */
export function eventually(holds: () => boolean | Promise<boolean>, what: string, timeoutMs = 30_000): Promise<void> {
  return vi.waitFor(
    async () => {
      if (!(await holds())) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    },
    { timeout: timeoutMs, interval: 20 },
  );
}

/** The one simulated ComfyUI of a product that has one. */
export function onlySimulator({ simulators }: Product): Simulator {
  const [simulator] = simulators;
  if (!simulator) throw new Error('there is no simulator');
  return simulator;
}
