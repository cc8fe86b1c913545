import { v7 } from 'uuid';
import { anonymous, type Identity } from '../../src/callers/identity.ts';
import { createPlans, type Plans } from '../../src/callers/plans.ts';
import { noProgress } from '../../src/core/job.ts';
import { createSeal } from '../../src/job-record/seal.ts';
import type { JobCheck } from '../../src/jobs/accept-job.ts';
import { createJobs } from '../../src/jobs/create-jobs.ts';
import { createEditorClasses, type EditorClasses } from '../../src/jobs/editor-classes.ts';
import type { EstimateGpu } from '../../src/jobs/estimate-gpu.ts';
import type { GenerateRequest } from '../../src/jobs/jobs.ts';
import type { Audit } from '../../src/observability/audit.ts';
import { createLongPoll } from '../../src/progress/long-poll.ts';
import { createRedisChanges } from '../../src/progress/redis/redis-changes.ts';
import { createRedisProgress } from '../../src/progress/redis/redis-progress.ts';
import { createBullQueue } from '../../src/queue/bullmq/bullmq.ts';
import { closeRedis, connectRedis, whenReady } from '../../src/redis/connection.ts';
import type { NodeRules } from '../../src/workflows/check-nodes.ts';
import { createCustomParser } from '../../src/workflows/custom.ts';
import { openStores, silent } from './gateway-store.ts';
import { shippedCatalogue } from './graph-services.ts';

export interface UseCaseOptions {
  checks?: JobCheck[];
  /** Answers that one client may have held at a time. */
  maxHeld?: number;
  retentionMs?: number;
  maxOpenBytes?: number;
  audit?: Audit;
  /** Default: those of a stock ComfyUI. */
  editorClasses?: EditorClasses;
  /** Default: nothing is denied. */
  nodeRules?: (identity: Identity) => NodeRules | null;
  /** Default: there are none. */
  plans?: Plans;
  /** Default: a second for every job. */
  estimateGpu?: EstimateGpu;
  /** See ProgressOptions. */
  waitMs?: number;
}

/** The use cases of jobs on a real Redis and queue, and a worker's store to move jobs; without ComfyUI and storage. */
export async function openUseCases(url: string, options: UseCaseOptions = {}) {
  const stores = await openStores(url, options);
  const { redis, keys, gateway, worker } = stores;
  const subscriber = connectRedis({ url, role: 'subscriber', log: silent });
  await whenReady(subscriber);
  const queue = createBullQueue(redis, keys, silent);
  const { waitMs = 30_000 } = options;
  const feed = createRedisProgress({ redis, subscriber, keys, log: silent, checkIntervalMs: 200, waitMs });
  const changes = createRedisChanges({ redis, subscriber, keys, log: silent, checkIntervalMs: 200 });
  const longPoll = createLongPoll(feed, options.maxHeld === undefined ? undefined : 2 * options.maxHeld);
  const catalogue = await shippedCatalogue();
  const jobs = createJobs({
    longPoll,
    checks: options.checks ?? [],
    store: gateway,
    queue,
    artifacts: { removePrefix: async () => undefined },
    onRedisDown: () => undefined,
    plans: options.plans ?? createPlans(() => new Map()),
    estimateGpu: options.estimateGpu ?? (() => 1_000),
    ...(options.audit ? { audit: options.audit } : {}),
    catalogue,
    parseCustom: createCustomParser({ catalogue }),
    nodeRules: options.nodeRules ?? (() => null),
    editorClasses: options.editorClasses ?? createEditorClasses({ tryRead: async () => null }),
    seal: createSeal('a secret of this test and of no other'),
    deadlineMs: 3_600_000,
    maxDeadlineMs: 86_400_000,
    newId: () => v7(),
    randomSeed: () => Math.floor(Math.random() * 2 ** 53),
  });

  return {
    ...stores,
    queue,
    feed,
    changes,
    longPoll,
    catalogue,
    jobs,
    /** Calls `generate` for a small picture. Default: with a new key. */
    generate: (changes: Partial<GenerateRequest> = {}) =>
      jobs.generate({
        identity: anonymous,
        requestId: 'test',
        path: ['input'],
        idempotencyKey: v7(),
        workflow: { name: 'textToImage', input: { prompt: 'a lighthouse' } },
        priority: 'NORMAL',
        deadlineSeconds: null,
        tags: [],
        waitSeconds: null,
        signal: new AbortController().signal,
        ...changes,
      }),
    /** Moves a job like a worker. */
    async start(id: string) {
      const claimed = await worker.claim(id);
      if (claimed.outcome !== 'claimed') throw new Error(claimed.outcome);
      const { lease } = claimed.job;
      return {
        succeed: () => worker.move(id, lease, { move: 'succeed', artifacts: [picture], progress: whole, timings: [] }),
        fail: () => worker.move(id, lease, { move: 'fail', error: failure, timings: [] }),
      };
    },
    async close() {
      await changes.close();
      await feed.close();
      await queue.close();
      await closeRedis(subscriber);
      await stores.close();
    },
  };
}

export type UseCases = Awaited<ReturnType<typeof openUseCases>>;

const whole = { ...noProgress, fraction: 1 };

const failure = { code: 'EXECUTION_FAILED', message: 'no', nodeId: null, classType: null, retryable: false } as const;

export const picture = {
  id: 'a',
  key: 'jobs/1/1/00.png',
  kind: 'image',
  filename: 'a.png',
  contentType: 'image/png',
  sizeBytes: 10,
  sha256: 'ab',
  node: '9',
  output: null,
  width: 64,
  height: 64,
  durationSeconds: null,
} as const;
