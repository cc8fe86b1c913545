import { randomBytes } from 'node:crypto';
import { v7 } from 'uuid';
import { followNodeCosts } from '../backends/node-costs.ts';
import {
  createRedisBackendDirectory,
  createRedisBackendOperator,
  startGrace,
} from '../backends/redis/redis-backends.ts';
import { createRedisNodeDefinitionsDirectory } from '../backends/redis/redis-node-definitions.ts';
import { createRedisNodeTimes } from '../backends/redis/redis-node-times.ts';
import { isToldApart } from '../callers/identity.ts';
import { createWatchTokens } from '../callers/watch-token.ts';
import type { Config } from '../config/config.ts';
import { createHealth } from '../health/check-health.ts';
import { createRedisGatewayStore } from '../job-record/redis/redis-gateway-store.ts';
import { createRedisSweeperStore } from '../job-record/redis/redis-sweeper-store.ts';
import { createSeal } from '../job-record/seal.ts';
import { createFileCheck } from '../jobs/check-files.ts';
import { createRunnableCheck } from '../jobs/check-runnable.ts';
import { createJobs } from '../jobs/create-jobs.ts';
import { createEditorClasses } from '../jobs/editor-classes.ts';
import { createEstimateGpu } from '../jobs/estimate-gpu.ts';
import { startSweeper } from '../jobs/sweeper.ts';
import { createWatchJobs } from '../jobs/watch-jobs.ts';
import { openAudit } from '../observability/audit.ts';
import { createGatewayMetrics } from '../observability/gateway-metrics.ts';
import { registerInstallation } from '../observability/installation-metrics.ts';
import { throttledWarning } from '../observability/throttled.ts';
import { createWorkflowAdder } from '../operator/add-workflow.ts';
import { createChangeBackends } from '../operator/change-backends.ts';
import { createLongPoll } from '../progress/long-poll.ts';
import { createRedisChanges } from '../progress/redis/redis-changes.ts';
import { createRedisProgress } from '../progress/redis/redis-progress.ts';
import { createBullQueue } from '../queue/bullmq/bullmq.ts';
import { startRedisClock } from '../redis/clock.ts';
import { createPing, untilAnswered, whenReady } from '../redis/connection.ts';
import { checkDurability, whatIsLost } from '../redis/durability.ts';
import { createKeys } from '../redis/keys.ts';
import { createUploads } from '../uploads/create-uploads.ts';
import { createRedisUploads } from '../uploads/redis/redis-uploads.ts';
import { createVariantMaker } from '../variants/make-variants.ts';
import { createRedisVariantClaims } from '../variants/redis/redis-claims.ts';
import { createVariantAddresses } from '../variants/variant-addresses.ts';
import { createCustomParser } from '../workflows/custom.ts';
import { keepStockNodeDefinitions } from '../workflows/stock-node-definitions.ts';
import { createAddTicket } from './add-ticket.ts';
import { followPlans } from './follow-plans.ts';
import { namesIn } from './follow-workflows.ts';
import { openCallers } from './open-callers.ts';
import {
  commonSecret,
  every,
  LOOK_EVERY_MS,
  openArtifacts,
  openRedis,
  type ProcessContext,
} from './process-context.ts';
import { readVersion } from './version.ts';

/** How long /readyz waits for Redis. A load balancer that probes it does not wait much longer. */
const READY_WITHIN_MS = 250;

/** A random integer of 53 bits. */
function randomSeed(): number {
  return Number(randomBytes(8).readBigUInt64BE() >> 11n);
}

/** Opens everything that a gateway consists of, except its HTTP server. Waits until Redis answers. */
export async function openGatewayServices(config: Config, context: ProcessContext) {
  const { log, shutdown, workflows } = context;
  const { catalogue } = workflows;
  const plans = await followPlans(config, context);
  const metrics = createGatewayMetrics(context.metrics, namesIn(catalogue));
  workflows.onChange(() => metrics.setWorkflows(namesIn(catalogue)));
  const redis = openRedis(config, context, 'request');
  const subscriber = openRedis(config, context, 'subscriber');
  const keys = createKeys(config.redis.prefix);
  await untilAnswered(redis, log, async () => {
    await checkDurability(redis, log);
    await startGrace(redis, keys);
  });
  await whenReady(subscriber);
  const clock = await untilAnswered(redis, log, () => startRedisClock(redis));
  shutdown.add('clock', () => clock.close());
  const { now } = clock;
  const artifacts = await openArtifacts(config, context, redis, now);
  const { retentionMs, idempotencyTtlMs, deadlineMs, maxDeadlineMs } = config.jobs;
  const queue = createBullQueue(redis, keys, log);
  shutdown.add('queue', () => queue.close());
  const addTicket = createAddTicket(queue, log);
  const store = createRedisGatewayStore({
    redis,
    keys,
    addTicket,
    retentionMs,
    idempotencyTtlMs,
    noBackendGraceMs: config.comfyui.noBackendGraceMs,
    onEnded: metrics.jobEnded,
  });
  const backends = createRedisBackendDirectory(redis, keys);
  const nodeDefinitions = createRedisNodeDefinitionsDirectory({ redis, keys, backends, log });
  const feed = createRedisProgress({
    redis,
    subscriber,
    keys,
    log,
    now,
    positions: store.positions,
    onConflated: metrics.eventConflated,
  });
  shutdown.add('progress', () => feed.close());
  const changes = createRedisChanges({ redis, subscriber, keys, log });
  shutdown.add('changes', () => changes.close());
  const longPoll = createLongPoll(feed);
  const uploadStore = createRedisUploads(redis, keys);
  const { origins: inputOrigins, maxBytes } = config.inputs;
  const onRedisDown = throttledWarning(log, 'calls were answered UNAVAILABLE: redis did not answer');
  const audit = openAudit(config.auditLog, context);
  const watchTokens = createWatchTokens(commonSecret(config, context), now);
  const { authenticator, sessions } = await openCallers(config, context, {
    ...{ redis, keys, now, onRedisDown, onResult: metrics.authenticated },
    readWatchToken: watchTokens.read,
  });
  const stock = keepStockNodeDefinitions();
  const jobs = createJobs({
    audit,
    longPoll,
    checks: [
      createRunnableCheck(nodeDefinitions),
      createFileCheck({ uploads: uploadStore, artifacts, store, inputOrigins, retentionMs, maxBytes }),
    ],
    store,
    queue,
    artifacts,
    onRedisDown,
    plans,
    estimateGpu: createEstimateGpu(
      followNodeCosts(createRedisNodeTimes(redis, keys), throttledWarning(log, 'node times could not be read')),
      config.jobs.timeoutMs,
    ),
    onLimited: metrics.limited,
    onReserved: metrics.reserved,
    onAccepted(job, replayed) {
      metrics.jobAccepted(job, replayed);
      const { id: jobId, requestId, workflow } = job;
      log.info({ part: 'gateway', jobId, requestId, workflow, replayed }, 'job accepted');
    },
    catalogue,
    parseCustom: createCustomParser({ catalogue }),
    nodeRules: (identity) => (isToldApart(identity) ? plans.of(identity).nodes : null),
    editorClasses: createEditorClasses(nodeDefinitions, stock),
    deadlineMs,
    maxDeadlineMs,
    seal: createSeal(commonSecret(config, context)),
    newId: () => v7(),
    randomSeed,
  });
  const uploads = createUploads({
    audit,
    plans,
    store: uploadStore,
    artifacts,
    maxBytes,
    newId: () => v7(),
    onRedisDown,
  });
  const workflowAdder = createWorkflowAdder({
    dir: config.workflowsDir,
    maxMegapixels: config.jobs.maxMegapixels,
    untilOffered: workflows.untilOffered,
    nodeDefinitions,
    stock,
    uploads: uploadStore,
    artifacts,
    audit,
    onRedisDown,
  });
  const changeBackends = createChangeBackends({
    operator: createRedisBackendOperator(redis, keys),
    audit,
    onRedisDown,
  });
  const sweeper = startSweeper({
    store,
    sweeperStore: createRedisSweeperStore(redis, keys, retentionMs, addTicket),
    queue,
    artifacts,
    uploads: uploadStore,
    log,
    onEnded: metrics.jobEnded,
  });
  shutdown.add('sweeper', () => sweeper.close());
  const variants = createVariantAddresses({
    publicUrl: context.publicUrl,
    secret: commonSecret(config, context),
    now,
  });
  const claims = createRedisVariantClaims(redis, keys, retentionMs);
  const variantMaker = createVariantMaker({ artifacts, claims, onRedisDown, log });
  shutdown.add('variants', () => variantMaker.close());
  const health = createHealth({ redis, keys, store, artifacts, backends, version: readVersion(), now });
  every(LOOK_EVERY_MS, 'health', shutdown, async () => {
    const { checks } = await health();
    if (checks.every(({ name, status }) => name !== 'redis' || status !== 'UNHEALTHY')) onRedisDown.over();
  });
  const ping = createPing(redis);
  registerInstallation(
    context.metrics,
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
    audit,
    authenticator,
    sessions,
    catalogue,
    plans,
    artifacts,
    variants,
    variantMaker,
    backends,
    changeBackends,
    nodeDefinitions,
    workflowAdder,
    jobs,
    uploads,
    uploadStore,
    watchTokens,
    watchJobs: createWatchJobs(watchTokens, jobs, audit),
    longPoll,
    feed,
    changes,
    health,
    now,
    /** Whether Redis answers within READY_WITHIN_MS. Never rejects. */
    redisReady: () => ping(READY_WITHIN_MS),
  };
}
