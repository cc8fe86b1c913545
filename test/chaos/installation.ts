import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startTestMinio, type TestMinio } from '../support/minio.ts';
import { type ProductProcess, tempFolder } from '../support/process.ts';
import { residentBytes } from '../support/process-limits.ts';
import { type Gateway, type Lifetime, openProduct, type Product } from '../support/product.ts';
import { mountSmallDisk, type SmallDisk } from '../support/small-disk.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';

/** Everything twice, so that whatever dies there is another: what faults are tried on. */
export interface Installation {
  product: Product;
  minio: TestMinio;
  /** MinIO's; null where this user may not mount one. */
  disk: SmallDisk | null;
  /** As a load balancer has them: addresses that stay the same whichever process is behind them. */
  addresses: readonly [string, string];
  gateways: [Gateway, Gateway];
  workers: [ProductProcess, ProductProcess];
  /** Between every process and Redis. */
  redisWire: TcpProxy;
  /** What may be nowhere but in the environment of processes. */
  secrets: string[];
  /** Whoever has jobs. */
  callers: Set<string>;
  /** Jobs that are known to be in Redis: those of earlier checks. */
  jobs: Set<string>;
  /** Every simulator that ever ran: what they saw counts. */
  allSimulators: Product['simulators'];
  /** Of a process at its start, in bytes. */
  startMemory: number;
  restartGateway(which: 0 | 1): Promise<void>;
  restartWorker(which: 0 | 1): Promise<void>;
  restartComfyui(which: 0 | 1, awayMs: number): Promise<void>;
  /** Of a machine, which has a gateway and a worker: how many hours its clock is wrong from now on. */
  setClock(which: 0 | 1, hours: number): Promise<void>;
}

/** How much faster than a small GPU its simulators are. */
const SPEED = 20;

const DISK_BYTES = 2 * 2 ** 30;
/** What is garbage goes soon, and what is not would not fit. */
const SMALL_HEAP = '--max-old-space-size=128 --max-semi-space-size=4';
const shiftedClock = new URL('../support/shifted-clock.mjs', import.meta.url);

/** `env`: further settings of every process. */
export async function openInstallation(test: Lifetime, env: Record<string, string> = {}): Promise<Installation> {
  const folder = await tempFolder();
  test.onTestFinished(folder.remove);
  const disk = await mountSmallDisk(DISK_BYTES);
  if (disk) test.onTestFinished(disk.close);
  const minio = await startTestMinio(disk?.path);
  test.onTestFinished(minio.close);
  const password = randomBytes(16).toString('hex');
  const aclfile = join(folder.path, 'users.acl');
  await writeFile(aclfile, `user default on nopass ~* &* +@all\nuser comfygate on >${password} ~* &* +@all\n`);
  const product = await openProduct(test, { simulators: 2, speed: SPEED, minio, redisConfig: { aclfile }, env });
  const redisWire = await startTcpProxy(product.redis.port);
  test.onTestFinished(redisWire.close);
  const setClock = (which: 0 | 1, hours: number) => writeFile(join(folder.path, `clock${which}`), String(hours));
  await Promise.all([setClock(0, 0), setClock(1, 0)]);
  const machine = (which: 0 | 1) => ({
    REDIS_URL: `redis://comfygate:${password}@127.0.0.1:${redisWire.port}`,
    CLOCK_FILE: join(folder.path, `clock${which}`),
    NODE_OPTIONS: `--import ${shiftedClock.href} ${SMALL_HEAP}`,
  });
  const [first, second, ...workers] = await Promise.all([
    product.gateway(machine(0)),
    product.gateway(machine(1)),
    product.worker(machine(0)),
    product.worker(machine(1)),
  ]);
  const gateways: [Gateway, Gateway] = [first, second];
  const processes = [first.process, second.process, ...workers];
  const startMemory = Math.max(...(await Promise.all(processes.map(({ pid }) => residentBytes(pid)))));
  const ports = gateways.map(({ port }) => String(port));
  const allSimulators = [...product.simulators];

  return {
    product,
    minio,
    disk,
    addresses: [first.url, second.url],
    gateways,
    workers,
    redisWire,
    secrets: [password, minio.secretKey],
    callers: new Set(['anonymous']),
    jobs: new Set(),
    allSimulators,
    startMemory,
    setClock,
    async restartGateway(which) {
      await gateways[which].process.kill();
      gateways[which] = await product.gateway({ ...machine(which), PORT: ports[which] ?? '' });
    },
    async restartWorker(which) {
      await workers[which].kill();
      workers[which] = await product.worker(machine(which));
    },
    async restartComfyui(which, awayMs) {
      await product.simulators[which]?.close();
      await new Promise((resolve) => setTimeout(resolve, awayMs));
      allSimulators.push(await product.restartSimulator(which));
    },
  };
}
