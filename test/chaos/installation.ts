import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestMinio } from '../support/minio.ts';
import { type ProductProcess, tempFolder } from '../support/process.ts';
import { type Gateway, type Lifetime, openProduct, type Product } from '../support/product.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';

/** Everything twice, so that whatever dies there is another: what faults are tried on. */
export interface Installation {
  product: Product;
  minio: TestMinio;
  /** As a load balancer has them: addresses that stay the same whichever process is behind them. */
  addresses: readonly [string, string];
  gateways: [Gateway, Gateway];
  workers: [ProductProcess, ProductProcess];
  /** Between every process and Redis. */
  redisWire: TcpProxy;
  /** What may be nowhere but in the environment of processes. */
  secrets: readonly string[];
  /** Jobs that are known to be in Redis: those of earlier checks. */
  jobs: Set<string>;
  /** Every simulator that ever ran: what they saw counts. */
  allSimulators: Product['simulators'];
  restartGateway(which: 0 | 1): Promise<void>;
  restartWorker(which: 0 | 1): Promise<void>;
  restartComfyui(which: 0 | 1, awayMs: number): Promise<void>;
}

/** How much faster than a small GPU its simulators are. */
const SPEED = 20;

export async function openInstallation(test: Lifetime, minio: TestMinio): Promise<Installation> {
  const folder = await tempFolder();
  test.onTestFinished(folder.remove);
  const password = randomBytes(16).toString('hex');
  const aclfile = join(folder.path, 'users.acl');
  await writeFile(aclfile, `user default on nopass ~* &* +@all\nuser comfygate on >${password} ~* &* +@all\n`);
  const product = await openProduct(test, { simulators: 2, speed: SPEED, minio, redisConfig: { aclfile } });
  const redisWire = await startTcpProxy(product.redis.port);
  test.onTestFinished(redisWire.close);
  const env = { REDIS_URL: `redis://comfygate:${password}@127.0.0.1:${redisWire.port}` };
  const [first, second, ...workers] = await Promise.all([
    product.gateway(env),
    product.gateway(env),
    product.worker(env),
    product.worker(env),
  ]);
  const gateways: [Gateway, Gateway] = [first, second];
  const ports = gateways.map(({ port }) => String(port));
  const allSimulators = [...product.simulators];

  return {
    product,
    minio,
    addresses: [first.url, second.url],
    gateways,
    workers,
    redisWire,
    secrets: [password, minio.secretKey],
    jobs: new Set(),
    allSimulators,
    async restartGateway(which) {
      await gateways[which].process.kill();
      gateways[which] = await product.gateway({ ...env, PORT: ports[which] ?? '' });
    },
    async restartWorker(which) {
      await workers[which].kill();
      workers[which] = await product.worker(env);
    },
    async restartComfyui(which, awayMs) {
      await product.simulators[which]?.close();
      await new Promise((resolve) => setTimeout(resolve, awayMs));
      allSimulators.push(await product.restartSimulator(which));
    },
  };
}
