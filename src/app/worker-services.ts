import { createRedisBackendDirectory, createRedisBackendReporter } from '../backends/redis/redis-backends.ts';
import { createRedisLookRequests } from '../backends/redis/redis-look-requests.ts';
import {
  createRedisNodeDefinitionsDirectory,
  createRedisNodeDefinitionsPublisher,
} from '../backends/redis/redis-node-definitions.ts';
import { createRedisNodeTimes } from '../backends/redis/redis-node-times.ts';
import type { Config } from '../config/config.ts';
import type { BackendAddress } from '../config/values.ts';
import { createWorkerHealth, type WorkerHealthOptions } from '../health/worker-health.ts';
import { createRedisWorkerStore } from '../job-record/redis/redis-worker-store.ts';
import type { Loops } from '../observability/loops.ts';
import { createWorkerMetrics } from '../observability/worker-metrics.ts';
import { createRedisPreviewPublisher } from '../progress/redis/redis-previews.ts';
import { createBullConsumer, createBullQueue, drainQueueBefore } from '../queue/bullmq/bullmq.ts';
import type { DeliveryHandler } from '../queue/queue.ts';
import { createPing, whenReady } from '../redis/connection.ts';
import { checkDurability } from '../redis/durability.ts';
import { createKeys } from '../redis/keys.ts';
import { createAddTicket } from './add-ticket.ts';
import { namesIn } from './follow-workflows.ts';
import { every, LOOK_EVERY_MS, openArtifacts, openRedis, type ProcessContext } from './process-context.ts';
import { readVersion } from './version.ts';

const PING_EVERY_MS = 1_000;

/** Opens everything that a worker for `servers` consists of, except the worker itself. Waits until Redis answers. */
export async function openWorkerServices(config: Config, context: ProcessContext, servers: readonly BackendAddress[]) {
  const { log, shutdown, workflows } = context;
  const { catalogue } = workflows;
  const metrics = createWorkerMetrics(context.metrics, {
    workflows: namesIn(catalogue),
    backends: servers.map(({ name }) => name),
  });
  workflows.onChange(() => metrics.setWorkflows(namesIn(catalogue)));
  const redis = openRedis(config, context, 'durable');
  await whenReady(redis);
  await checkDurability(redis, log);
  const subscriber = openRedis(config, context, 'subscriber');
  const artifacts = await openArtifacts(config, context, redis);

  const keys = createKeys(config.redis.prefix);
  const queue = createBullQueue(redis, keys, log);
  shutdown.add('queue', () => queue.close());
  const store = createRedisWorkerStore(redis, keys, config.jobs.retentionMs, createAddTicket(queue, log));
  const before = drainQueueBefore(redis, keys, store.adopt, log);
  shutdown.add('queue of before', before.close);
  const backends = createRedisBackendDirectory(redis, keys);
  const ping = createPing(redis);
  let answers = true;
  const redisAnswers = () => answers;
  every(PING_EVERY_MS, 'ping', shutdown, async () => {
    answers = await ping(PING_EVERY_MS);
  });
  return {
    /** Starts the health checks of the worker that was made of these services. */
    watchHealth(worker: WorkerHealthOptions['worker']) {
      const health = createWorkerHealth({ redis, keys, ping, artifacts, worker, version: readVersion() });
      every(LOOK_EVERY_MS, 'health', shutdown, health.report);
      return health;
    },
    redisAnswers,
    artifacts,
    store,
    reporter: createRedisBackendReporter(redis, keys),
    previewPublisher: createRedisPreviewPublisher(redis, keys),
    nodeTimesStore: createRedisNodeTimes(redis, keys),
    nodeDefinitionsPublisher: createRedisNodeDefinitionsPublisher(redis, keys),
    lookRequests: createRedisLookRequests(subscriber, keys, log),
    knownNodeDefinitions: createRedisNodeDefinitionsDirectory({ redis, keys, backends, log }),
    metrics,
    consume: (handler: DeliveryHandler, loops: Pick<Loops, 'add'>) =>
      createBullConsumer(redis, keys, handler, log, { loops, redisAnswers }),
    /**
     * The MODEL parameters of the catalogue as `Class.input`. Workers report the options that servers offer for them.
     */
    modelInputs: () =>
      catalogue.workflows.flatMap(({ parameters }) => parameters.flatMap(({ modelOf }) => modelOf ?? [])),
  };
}
