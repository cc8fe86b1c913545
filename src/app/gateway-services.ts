import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { v7 } from 'uuid';
import type { ArtifactStore } from '../artifacts/artifact-store.ts';
import { createArtifactStore } from '../artifacts/create-artifact-store.ts';
import { createTimedStore } from '../artifacts/timed-store.ts';
import { createRedisNodeTimes } from '../backends/node-times.ts';
import { createRedisBackendDirectory, createRedisBackendReporter, startGrace } from '../backends/redis-backends.ts';
import { createRedisCatalogueDirectory, createRedisCataloguePublisher } from '../backends/redis-catalogues.ts';
import type { BackendAddress, Config } from '../config/config.ts';
import { createHealth } from '../health/check-health.ts';
import { createWorkerHealth, type WorkerHealthOptions } from '../health/worker-health.ts';
import { createRedisGatewayStore } from '../job-record/redis-gateway-store.ts';
import { createRedisWorkerStore } from '../job-record/redis-worker-store.ts';
import { createCatalogueCheck } from '../jobs/check-catalogues.ts';
import { createFileCheck } from '../jobs/check-files.ts';
import { createJobs } from '../jobs/service.ts';
import { startSweeper } from '../jobs/sweeper.ts';
import { openAudit } from '../observability/audit.ts';
import { createGatewayMetrics } from '../observability/gateway-metrics.ts';
import { registerInstallation } from '../observability/installation-metrics.ts';
import type { Loops } from '../observability/loops.ts';
import type { Outputs } from '../observability/outputs.ts';
import type { ProcessMetrics } from '../observability/process-metrics.ts';
import { throttledWarning } from '../observability/throttled.ts';
import { createWorkerMetrics } from '../observability/worker-metrics.ts';
import { createWaits } from '../progress/long-poll.ts';
import { createRedisPreviewPublisher } from '../progress/previews.ts';
import { createRedisChanges } from '../progress/redis-changes.ts';
import { createRedisProgress } from '../progress/redis-progress.ts';
import { createBullConsumer, createBullQueue } from '../queue/bullmq.ts';
import type { DeliveryHandler } from '../queue/queue.ts';
import { startRedisClock } from '../redis/clock.ts';
import {
  type ConnectionRole,
  closeRedis,
  connectRedis,
  createPing,
  untilAnswered,
  whenReady,
} from '../redis/connection.ts';
import { checkDurability, whatIsLost } from '../redis/durability.ts';
import { createKeys } from '../redis/keys.ts';
import { createUploads } from '../uploads/create-uploads.ts';
import { createRedisUploads } from '../uploads/redis-uploads.ts';
import { createVariantMaker } from '../variants/make-variants.ts';
import { createRedisVariantClaims } from '../variants/redis-claims.ts';
import { createVariantAddresses } from '../variants/variant-addresses.ts';
import type { WorkflowCatalogue } from '../workflows/catalogue.ts';
import { createCustomParser } from '../workflows/custom.ts';
import { loadCatalogue } from '../workflows/load.ts';
import type { Shutdown } from './shutdown.ts';
import { readVersion } from './version.ts';

/** What the configuration leaves open and the start has found out. */
export interface Surroundings {
  redisUrl: string;
  /** The origin of signed addresses of the gateway's own: of the folder driver, and of variants. */
  publicUrl: string;
  /** Of the folder driver. */
  signingSecret: string;
  /** Of the whole process. */
  metrics: ProcessMetrics;
  log: Logger;
  outputs: Outputs;
  /** Gets a way to stop each thing that is started. */
  shutdown: Shutdown;
}

export const artifactFolder = (config: Config) => join(config.folder.dataDir, 'artifacts');

/** A load balancer that asks whether we are ready does not wait for long. */
const READY_WITHIN_MS = 250;

/** What nobody asks about is looked at all the same, so that `since` is right. */
const LOOK_EVERY_MS = 10_000;
const PING_EVERY_MS = 1_000;

/** 53 random bits. */
function randomSeed(): number {
  return Number(randomBytes(8).readBigUInt64BE() >> 11n);
}

/** All that a gateway is made of, but its HTTP server. Waits for Redis. */
export async function openGatewayServices(config: Config, around: Surroundings) {
  const { log, shutdown } = around;
  const catalogue = await loadCatalogue({ dir: config.workflowsDir, maxMegapixels: config.jobs.maxMegapixels });
  const metrics = createGatewayMetrics(around.metrics, namesIn(catalogue));
  const redis = openRedis(config, around, 'request');
  const subscriber = openRedis(config, around, 'subscriber');
  const keys = createKeys(config.redis.prefix);
  await untilAnswered(redis, log, async () => {
    await checkDurability(redis, log);
    await startGrace(redis, keys);
  });
  await whenReady(subscriber);
  const clock = await untilAnswered(redis, log, () => startRedisClock(redis));
  shutdown.add('clock', () => clock.close());
  const { now } = clock;
  const artifacts = openArtifacts(config, around, now);
  const { retentionMs, idempotencyTtlMs, deadlineMs, maxDeadlineMs } = config.jobs;
  const store = createRedisGatewayStore({
    redis,
    keys,
    retentionMs,
    idempotencyTtlMs,
    noBackendGraceMs: config.comfyui.noBackendGraceMs,
    onEnded: metrics.jobEnded,
  });
  const queue = createBullQueue(redis, keys, log);
  shutdown.add('queue', () => queue.close());
  const backends = createRedisBackendDirectory(redis, keys);
  const catalogues = createRedisCatalogueDirectory({ redis, keys, backends, log });
  const feed = createRedisProgress({ redis, subscriber, keys, log, now, onConflated: metrics.eventConflated });
  shutdown.add('progress', () => feed.close());
  const changes = createRedisChanges({ redis, subscriber, keys, log });
  shutdown.add('changes', () => changes.close());
  const waits = createWaits(feed);
  const uploadStore = createRedisUploads(redis, keys);
  const inputOrigins = config.inputs.origins;
  const onRedisDown = throttledWarning(log, 'calls were answered UNAVAILABLE: redis did not answer');
  const audit = openAudit(config.auditLog, around);
  const jobs = createJobs({
    audit,
    waits,
    checks: [
      createCatalogueCheck(catalogues),
      createFileCheck({ uploads: uploadStore, artifacts, inputOrigins, retentionMs }),
    ],
    store,
    queue,
    artifacts,
    onRedisDown,
    onAccepted(job, replayed) {
      metrics.jobAccepted(job, replayed);
      const { id: jobId, requestId, workflow } = job;
      log.info({ part: 'gateway', jobId, requestId, workflow, replayed }, 'job accepted');
    },
    catalogue,
    parseCustom: createCustomParser({ catalogue }),
    deadlineMs,
    maxDeadlineMs,
    newId: () => v7(),
    randomSeed,
  });
  const uploads = createUploads({
    audit,
    store: uploadStore,
    artifacts,
    maxBytes: config.inputs.maxBytes,
    newId: () => v7(),
    onRedisDown,
  });
  const sweeper = startSweeper({
    redis,
    keys,
    store,
    queue,
    artifacts,
    uploads: uploadStore,
    retentionMs,
    log,
    onEnded: metrics.jobEnded,
  });
  shutdown.add('sweeper', () => sweeper.close());
  const variants = createVariantAddresses({
    claims: createRedisVariantClaims(redis, keys),
    publicUrl: around.publicUrl,
    // Gateways that share an S3 server have its key in common, whatever data folder each of them has.
    secret: config.folder.signingSecret ?? config.s3?.secretKey ?? around.signingSecret,
    now,
    onRedisDown,
  });
  const variantMaker = createVariantMaker({ artifacts, log });
  shutdown.add('variants', () => variantMaker.close());
  const health = createHealth({ redis, store, artifacts, backends, version: readVersion(), now });
  every(LOOK_EVERY_MS, 'health', shutdown, async () => {
    const { checks } = await health();
    // A Redis that takes no writes answers all the same: it is over when no call fails any more, see throttled.ts.
    if (checks.every(({ name, status }) => name !== 'redis' || status !== 'UNHEALTHY')) onRedisDown.over();
  });
  const ping = createPing(redis);
  registerInstallation(
    around.metrics,
    {
      counts: store.counts,
      liveWorkers: backends.liveWorkers,
      backends: backends.backends,
      durable: async () => (await whatIsLost(redis)) === null,
      checkStorage: artifacts.check,
    },
    throttledWarning(log, 'a figure of /metrics could not be read'),
  );
  return {
    catalogue,
    artifacts,
    variants,
    variantMaker,
    backends,
    catalogues,
    jobs,
    uploads,
    waits,
    feed,
    changes,
    health,
    now,
    /** Whether Redis answers within READY_WITHIN_MS. */
    redisReady: () => ping(READY_WITHIN_MS),
  };
}

/** All that a worker for `servers` is made of, but the worker itself. Waits for Redis. */
export async function openWorkerServices(config: Config, around: Surroundings, servers: readonly BackendAddress[]) {
  const { log, shutdown } = around;
  const catalogue = await loadCatalogue({ dir: config.workflowsDir, maxMegapixels: config.jobs.maxMegapixels });
  const artifacts = openArtifacts(config, around);
  const redis = openRedis(config, around, 'durable');
  await whenReady(redis);
  await checkDurability(redis, log);

  const keys = createKeys(config.redis.prefix);
  const backends = createRedisBackendDirectory(redis, keys);
  const ping = createPing(redis);
  let answers = true;
  const redisAnswers = () => answers;
  every(PING_EVERY_MS, 'ping', shutdown, async () => {
    answers = await ping(PING_EVERY_MS);
  });
  return {
    /** Of a worker made of these. */
    watchHealth(worker: WorkerHealthOptions['worker']) {
      const health = createWorkerHealth({ redis, ping, artifacts, worker, version: readVersion() });
      every(LOOK_EVERY_MS, 'health', shutdown, health.report);
      return health;
    },
    redisAnswers,
    artifacts,
    store: createRedisWorkerStore(redis, keys, config.jobs.retentionMs),
    reporter: createRedisBackendReporter(redis, keys),
    previewPublisher: createRedisPreviewPublisher(redis, keys),
    nodeTimesStore: createRedisNodeTimes(redis, keys),
    catalogues: createRedisCataloguePublisher(redis, keys),
    knownCatalogues: createRedisCatalogueDirectory({ redis, keys, backends, log }),
    metrics: createWorkerMetrics(around.metrics, {
      workflows: namesIn(catalogue),
      backends: servers.map(({ name }) => name),
    }),
    consume: (handler: DeliveryHandler, loops: Pick<Loops, 'add'>) =>
      createBullConsumer(redis, keys, handler, log, { loops, redisAnswers }),
    /** `Class.input` of the catalogue's MODEL parameters, whose options workers report. */
    modelInputs: catalogue.workflows.flatMap(({ parameters }) => parameters.flatMap(({ modelOf }) => modelOf ?? [])),
  };
}

/** `act` never rejects. */
function every(ms: number, name: string, shutdown: Shutdown, act: () => Promise<unknown>): void {
  const timer = setInterval(() => void act(), ms);
  timer.unref();
  shutdown.add(name, () => clearInterval(timer));
}

const namesIn = ({ workflows }: WorkflowCatalogue) => workflows.map(({ name }) => name);

function openRedis(config: Config, around: Surroundings, role: ConnectionRole) {
  const { redisUrl, log, metrics, shutdown } = around;
  const redis = connectRedis({ url: redisUrl, prefix: config.redis.prefix, role, log, onCall: metrics.redisCalled });
  shutdown.add(`redis ${role}`, () => closeRedis(redis));
  return redis;
}

/** `now` dates signed addresses; a worker makes none. */
function openArtifacts(config: Config, around: Surroundings, now?: () => number): ArtifactStore {
  const artifacts = createTimedStore(createArtifacts(config, around, now), around.metrics.storageCalled);
  around.shutdown.add('artifacts', () => artifacts.close());
  return artifacts;
}

/** Not timed and not yet to be closed. `now` dates signed addresses. */
export function createArtifacts(
  config: Config,
  { publicUrl, signingSecret }: Pick<Surroundings, 'publicUrl' | 'signingSecret'>,
  now?: () => number,
): ArtifactStore {
  return createArtifactStore(
    config.s3
      ? { driver: 's3', ...config.s3 }
      : { driver: 'folder', folder: artifactFolder(config), publicUrl, signingSecret },
    now,
  );
}
