import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import { v7 } from 'uuid';
import { createRedisBackendDirectory } from '../backends/redis/redis-backends.ts';
import { createRedisNodeDefinitionsDirectory } from '../backends/redis/redis-node-definitions.ts';
import type { Config } from '../config/config.ts';
import { createRedisFailedJobs } from '../job-record/redis/redis-failed-jobs.ts';
import { createRedisGatewayStore } from '../job-record/redis/redis-gateway-store.ts';
import { createRedisHandover } from '../job-record/redis/redis-handover.ts';
import { createFileCheck } from '../jobs/check-files.ts';
import { createRunnableCheck } from '../jobs/check-runnable.ts';
import { createJobOperator, type JobOperator } from '../jobs/job-operator.ts';
import { openCommandAudit, outcomeOf } from '../observability/audit.ts';
import { createBullQueue } from '../queue/bullmq/bullmq.ts';
import { closeRedis } from '../redis/connection.ts';
import { createKeys } from '../redis/keys.ts';
import { createRedisUploads } from '../uploads/redis/redis-uploads.ts';
import { operatorName } from './operator-name.ts';
import { reachRedis } from './operator-redis.ts';
import { createArtifacts } from './process-context.ts';

/** Opens what `comfygate jobs` needs. Rejects when Redis cannot be reached within five seconds. */
export async function openJobOperator(config: Config, redisUrl: string, log: Logger): Promise<JobSession> {
  await using opened = new AsyncDisposableStack();
  const redis = opened.adopt(await reachRedis({ url: redisUrl, prefix: config.redis.prefix, log }), closeRedis);
  const keys = createKeys(config.redis.prefix);
  const queue = opened.adopt(createBullQueue(redis, keys, log), (each) => each.close());
  // The store is only read, and no URL is signed, so these values do not matter.
  const unsigned = { publicUrl: 'http://127.0.0.1', signingSecret: randomBytes(32).toString('hex') };
  const artifacts = opened.adopt(await createArtifacts(config, unsigned), (each) => each.close());
  const { retentionMs, idempotencyTtlMs, deadlineMs } = config.jobs;
  const { noBackendGraceMs } = config.comfyui;
  const { origins: inputOrigins, maxBytes } = config.inputs;
  const backends = createRedisBackendDirectory(redis, keys);
  const uploads = createRedisUploads(redis, keys);
  const audit = await openCommandAudit(config.auditLog);
  opened.defer(audit.flushed);
  const requestId = `operator-${v7()}`;
  const call = { action: 'retry', caller: operatorName(), requestId } as const;
  const store = createRedisGatewayStore({ redis, keys, retentionMs, idempotencyTtlMs, noBackendGraceMs });
  const operator = createJobOperator({
    onAccepted({ id: jobId, workflow, retryOf }, replayed) {
      const outcome = replayed ? 'replayed' : 'accepted';
      audit.record({ ...call, outcome, jobId, workflow, retryOf: retryOf ?? undefined });
    },
    onAssigned: (jobId, { from, to }) => audit.record({ ...call, action: 'assign', outcome: 'done', jobId, from, to }),
    onRefused: (retryOf, error) => audit.record({ ...call, ...outcomeOf(error), retryOf }),
    index: createRedisFailedJobs(redis, keys),
    handover: createRedisHandover(redis, keys),
    store,
    queue,
    checks: [
      createRunnableCheck(createRedisNodeDefinitionsDirectory({ redis, keys, backends, log })),
      createFileCheck({ uploads, artifacts, store, inputOrigins, maxBytes, retentionMs }),
    ],
    deadlineMs,
    newId: () => v7(),
    requestId,
  });
  const kept = opened.move();
  return { operator, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

export interface JobSession extends AsyncDisposable {
  operator: JobOperator;
}
