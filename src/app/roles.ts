import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { type Config, ConfigError, checkRole, defaultPublicUrl } from '../config/config.ts';
import { passwordsIn } from '../config/secrets.ts';
import { openDataDir } from '../embedded/data-dir.ts';
import { startEmbeddedRedis } from '../embedded/redis.ts';
import { startEmbeddedSimulator } from '../embedded/simulator.ts';
import { type AdminServer, createMetricsEndpoint, type Part, startAdminServer } from '../http/admin-server.ts';
import { createProcessMetrics, type ProcessMetrics } from '../observability/process-metrics.ts';
import { followWorkflows } from './follow-workflows.ts';
import type { RoleProcess } from './run-role.ts';
import { readVersion } from './version.ts';

/**
 * The speed of the simulator of `npm start`: 20 steps take about 8 s, as on a small GPU, so that progress can be
 * watched.
 */
const EMBEDDED_SPEED = 0.05;

/** What a gateway prints when it is ready. */
export interface Started {
  graphqlUrl: string;
  /** Descriptions of the embedded parts, which replace those that the configuration does not name. */
  embedded: string[];
}

/**
 * Starts gateway and worker in one process, and embedded parts for what the configuration does not name: a Redis, a
 * simulated ComfyUI, a folder for artifacts. Pages of loopback may call, since a developer's own server is on a port of
 * its own.
 */
export async function startAll(config: Config, roleProcess: RoleProcess): Promise<Started> {
  const { log, shutdown } = roleProcess;
  checkRole(config, 'all');
  await startTraces(config, 'comfygate', roleProcess);
  const embedded: string[] = [];
  const { url, port } = await publicAddress(config);
  const metrics = createProcessMetrics({ role: 'all', version: readVersion() });
  const admin = await openPrivatePort(config, ['gateway', 'worker'], metrics, roleProcess);
  const workflows = await followWorkflows(config, roleProcess, metrics);
  const dataDir = await openDataDir(config.folder.dataDir);
  shutdown.add('data folder', () => dataDir.close());

  let redisUrl = config.redis.url;
  if (redisUrl === undefined) {
    const redis = await startEmbeddedRedis({ dataDir: dataDir.path, log: log.child({ part: 'redis' }) });
    shutdown.add('redis', () => redis.close());
    redisUrl = redis.url;
    for (const password of passwordsIn(redisUrl)) roleProcess.scrub.hide(password);
    embedded.push('Redis');
  }
  let { backends } = config.comfyui;
  if (backends === undefined) {
    const simulator = await startEmbeddedSimulator({ log: log.child({ part: 'simulator' }), speed: EMBEDDED_SPEED });
    shutdown.add('simulator', () => simulator.close());
    backends = [{ name: 'simulator', url: simulator.url }];
    embedded.push('a simulated ComfyUI');
  }
  if (config.s3 === undefined) embedded.push(`storage in ${dataDir.path}`);

  const signingSecret = config.folder.signingSecret ?? dataDir.signingSecret;
  roleProcess.scrub.hide(signingSecret);
  const context = { ...roleProcess, redisUrl, publicUrl: url, signingSecret, metrics, workflows };
  const [{ startWorker }, { startGateway }] = await Promise.all([
    import('./start-worker.ts'),
    import('./start-gateway.ts'),
  ]);
  const worker = await startWorker(config, context, backends);
  admin?.add('worker', worker);
  const server = await startGateway(config, context, { port, allowLoopback: true });
  admin?.add('gateway', server.probes);
  return { graphqlUrl: `${server.url}/graphql`, embedded };
}

/** Starts a gateway without a worker. */
export async function startGatewayRole(config: Config, roleProcess: RoleProcess): Promise<Started> {
  checkRole(config, 'gateway');
  await startTraces(config, 'comfygate-gateway', roleProcess);
  const { signingSecret } = config.folder;
  if (config.s3 === undefined && signingSecret === undefined) {
    throw new ConfigError([
      'SIGNING_SECRET: expected 32 to 1024 characters, the same at all gateways, ' +
        'since they sign addresses of the folder; or set S3_ENDPOINT',
    ]);
  }
  const { url, port } = await publicAddress(config);
  const metrics = createProcessMetrics({ role: 'gateway', version: readVersion() });
  const admin = await openPrivatePort(config, ['gateway'], metrics, roleProcess);
  const workflows = await followWorkflows(config, roleProcess, metrics);
  const redisUrl = config.redis.url ?? '';
  const context = { ...roleProcess, redisUrl, publicUrl: url, signingSecret: signingSecret ?? '', metrics, workflows };
  const { startGateway } = await import('./start-gateway.ts');
  const server = await startGateway(config, context, { port });
  admin?.add('gateway', server.probes);
  return { graphqlUrl: `${server.url}/graphql`, embedded: [] };
}

/** Starts a worker without a gateway. */
export async function startWorkerRole(config: Config, roleProcess: RoleProcess): Promise<void> {
  checkRole(config, 'worker');
  await startTraces(config, 'comfygate-worker', roleProcess);
  // The driver requires a secret and an origin, but a worker signs no URLs: gateways do.
  const signingSecret = randomBytes(32).toString('hex');
  const publicUrl = config.http.publicUrl ?? 'http://127.0.0.1';
  const metrics = createProcessMetrics({ role: 'worker', version: readVersion() });
  const admin = await openPrivatePort(config, ['worker'], metrics, roleProcess);
  const workflows = await followWorkflows(config, roleProcess, metrics);
  const redisUrl = config.redis.url ?? '';
  const context = { ...roleProcess, redisUrl, publicUrl, signingSecret, metrics, workflows };
  const { startWorker } = await import('./start-worker.ts');
  const worker = await startWorker(config, context, config.comfyui.backends ?? []);
  admin?.add('worker', worker);
}

/** Opened before anything else and closed last, so that its probes answer while a start or a stop takes long. */
async function openPrivatePort(
  config: Config,
  parts: Part[],
  metrics: ProcessMetrics,
  { log, shutdown }: RoleProcess,
): Promise<AdminServer | undefined> {
  if (!config.admin) return undefined;
  const admin = await startAdminServer({ ...config.admin, parts, log });
  shutdown.add('private port', () => admin.close(0));
  admin.route('/metrics', createMetricsEndpoint(metrics));
  return admin;
}

/** Must be started first: then it is stopped last, and sends the spans of all other parts. */
async function startTraces(config: Config, name: string, { log, shutdown }: RoleProcess): Promise<void> {
  if (!config.tracing) return;
  const { startTracing } = await import('../observability/tracing.ts');
  const { serviceName = name, ...options } = config.tracing;
  const tracing = startTracing({ ...options, serviceName, version: readVersion(), log });
  shutdown.add('traces', () => tracing.close());
}

/**
 * The port to listen on, and the public origin. PORT=0 is resolved here, since the folder driver needs the origin for
 * its URLs before the server listens.
 */
async function publicAddress({ http }: Config): Promise<{ url: string; port: number }> {
  const port = http.port === 0 ? await freePort(http.host) : http.port;
  return { port, url: http.publicUrl ?? defaultPublicUrl(http.host, port, http.tls !== undefined) };
}

async function freePort(host: string): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const bound = server.address();
  server.close();
  await once(server, 'close');
  if (bound === null || typeof bound === 'string') throw new Error('no port was given');
  return bound.port;
}
