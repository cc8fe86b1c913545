import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { expect, vi } from 'vitest';
import { createKeys, type Keys } from '../../src/redis/keys.ts';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../src/simulator/simulator.ts';
import { onFreePort } from './free-port.ts';
import { createGatewayClient, type GatewayClient, PROMPT } from './gateway-client.ts';
import { createLedger, type Ledger, writeRow } from './ledger.ts';
import type { TestMinio } from './minio.ts';
import { type ProductProcess, startProduct, tempFolder } from './process.ts';
import { startTestRedis, type TestRedis } from './redis.ts';

/** A gateway process and a client application of it. */
export interface Gateway extends GatewayClient {
  process: ProductProcess;
  port: number;
}

export interface ProductOptions {
  /** The number of simulated ComfyUIs in this process, named `comfy1`, `comfy2`, …; default 1. */
  simulators?: number;
  /** Multiplies their speed; default 1. */
  speed?: number;
  /** Classes of theirs beside the recorded ones. */
  packs?: SimulatorOptions['packs'];
  /** Settings of every process. */
  env?: Record<string, string>;
  /** The S3 server where results are stored instead of in a folder. */
  minio?: TestMinio;
  redisConfig?: Record<string, string>;
}

/** Ends the product: a test's context, or that of `disposals` for a suite. */
export interface Lifetime {
  onTestFinished(dispose: () => Promise<void>): void;
  onTestFailed?(show: () => void): void;
  task?: { name: string };
}

/** A Redis, ComfyUIs and storage for one test, and any number of real processes of the product that use them. */
export interface Product {
  redis: TestRedis;
  /** A connection with which tests read and break things in Redis. */
  admin: Redis;
  keys: Keys;
  simulators: Simulator[];
  /** The environment of every process. */
  env: Record<string, string>;
  /** All answers to clients. When the product closes, none of them may hold a secret. */
  texts: string[];
  /** The acknowledged jobs and their ends, and when faults ended. */
  ledger: Ledger;
  /** Starts a gateway and waits until it serves. */
  gateway(env?: Record<string, string>): Promise<Gateway>;
  /** Starts a gateway and a worker in one process, as `npm start` does, and waits until it serves. */
  both(env?: Record<string, string>): Promise<Gateway>;
  /** Starts a worker and waits until it has reported itself. */
  worker(env?: Record<string, string>): Promise<ProductProcess>;
  /** Starts a closed ComfyUI again at its old address, with empty memory, as after a crash. */
  restartSimulator(index: number): Promise<Simulator>;
}

/** Long, since many processes start at once on two cores. */
const START_TIMEOUT_MS = 120_000;

/** Texts that no answer, event or log may hold under any fault. */
function expectNoSecrets(texts: string[], forbidden: string[]) {
  for (const text of texts) {
    for (const secret of forbidden) {
      if (text.includes(secret)) expect.fail(`an answer or a log holds ${JSON.stringify(secret)}: ${text}`);
    }
  }
}

/** Starts the product. It ends with the test, and the output of its processes is shown when the test fails. */
export async function openProduct(test: Lifetime, options: ProductOptions = {}): Promise<Product> {
  // Each process of a test adds a listener for the end of the test run.
  process.setMaxListeners(200);
  const undo: (() => Promise<unknown>)[] = [];
  test.onTestFinished(async () => {
    for (const each of undo.reverse()) await each();
  });
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
    simulators.push(await onFreePort((port) => startSimulator({ port, speed, packs: options.packs })));
  }
  undo.push(() => Promise.all(simulators.map((simulator) => simulator.close())));

  const signingSecret = randomBytes(32).toString('hex');
  const env: Record<string, string> = {
    REDIS_URL: redis.url,
    COMFYUI_URLS: simulators.map(({ url }, i) => `comfy${i + 1}=${url}`).join(','),
    DATA_DIR: folder.path,
    // Workers that were killed leave their temporary files behind.
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
    // An orderly stop where possible, since Node then keeps its compile cache for the next processes.
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
      await process.until(/Graph(?:i)?QL: http/, START_TIMEOUT_MS);
      return { process, port, ...createGatewayClient(`http://127.0.0.1:${port}`, texts, { ledger }) };
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

/**
 * Waits until a condition holds. Until then it may throw or return false. `intervalMs`: the pause between two looks,
 * longer where a look is work for others.
 */
export function eventually(
  holds: () => boolean | Promise<boolean>,
  what: string,
  timeoutMs = 30_000,
  intervalMs = 20,
): Promise<void> {
  return vi.waitFor(
    async () => {
      if (!(await holds())) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    },
    { timeout: timeoutMs, interval: intervalMs },
  );
}

/** The only simulated ComfyUI of a product. */
export function onlySimulator({ simulators }: Product): Simulator {
  const [simulator] = simulators;
  if (!simulator) throw new Error('there is no simulator');
  return simulator;
}
