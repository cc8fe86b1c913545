import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { createFolderStore } from '../../../src/artifacts/folder/folder.ts';
import { objectPaths } from '../../../src/artifacts/folder/folder-object.ts';
import { createRedisBackendDirectory, createRedisBackendReporter } from '../../../src/backends/redis/redis-backends.ts';
import { createRedisLookRequests } from '../../../src/backends/redis/redis-look-requests.ts';
import {
  createRedisNodeDefinitionsDirectory,
  createRedisNodeDefinitionsPublisher,
} from '../../../src/backends/redis/redis-node-definitions.ts';
import { createRedisNodeTimes } from '../../../src/backends/redis/redis-node-times.ts';
import { type Graph, graphSchema } from '../../../src/core/graph.ts';
import { type Artifact, isTerminal, type Job, type JobStatus, type Progress } from '../../../src/core/job.ts';
import type { NewJob, WorkerJobStore } from '../../../src/job-record/job-store.ts';
import { createRedisPreviewPublisher } from '../../../src/progress/redis/redis-previews.ts';
import { createBullConsumer, createBullQueue } from '../../../src/queue/bullmq/bullmq.ts';
import type { JobQueue } from '../../../src/queue/queue.ts';
import { closeRedis, connectRedis } from '../../../src/redis/connection.ts';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../../src/simulator/simulator.ts';
import type { Timings } from '../../../worker/timings.ts';
import { createWorker, type Worker, type WorkerParts } from '../../../worker/worker.ts';
import { newJob, openStores, silent } from '../../support/gateway-store.ts';

/** The worker's own, scaled down. */
const quick: Partial<Timings> = {
  settle: 500,
  monitor: 100,
  poll: 300,
  lost: 1_500,
  refused: 600,
  firstContact: 300,
  lookUp: 400,
  lease: 100,
  cancelGrace: 700,
  storage: 1_000,
  putBack: 50,
  fitness: 200,
};

/** One small picture. */
export const graph: Graph = {
  '1': { class_type: 'EmptyImage', inputs: { width: 64, height: 48, batch_size: 1, color: 255 } },
  '9': { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'x' } },
};

/** Only a server that has ImageInvert runs this one. */
export const inverted: Graph = {
  '1': { class_type: 'EmptyImage', inputs: { width: 64, height: 48, batch_size: 1, color: 255 } },
  '2': { class_type: 'ImageInvert', inputs: { image: ['1', 0] } },
  '9': { class_type: 'SaveImage', inputs: { images: ['2', 0], filename_prefix: 'x' } },
};

export async function recordedGraph(name: string): Promise<Graph> {
  const path = new URL(`../../comfyui/recorded/workflows/${name}.json`, import.meta.url);
  return graphSchema.parse(JSON.parse(await readFile(path, 'utf8')));
}

/** Remembers the progress that a store takes: in the record each stands until the next alone. */
export function rememberProgress(store: WorkerJobStore): { store: WorkerJobStore; taken: Progress[] } {
  const taken: Progress[] = [];
  const move: WorkerJobStore['move'] = async (id, lease, change) => {
    const moved = await store.move(id, lease, change);
    if (change.move === 'progress' && moved.outcome === 'done') taken.push(change.progress);
    return moved;
  };
  return { store: { ...store, move }, taken };
}

export interface Harness extends AsyncDisposable {
  stores: Awaited<ReturnType<typeof openStores>>;
  artifacts: ReturnType<typeof createFolderStore>;
  simulate(options?: SimulatorOptions): Promise<Simulator>;
  /** A worker for these servers; closed with the harness. */
  work(servers: { [name: string]: string }, options?: Partial<WorkerParts>): Worker;
  /** Accepts a job with this graph and puts it into the queue; gives its id. */
  submit(graph: Graph, job?: Partial<NewJob>): Promise<string>;
  job(id: string): Promise<Job>;
  until(id: string, wanted: JobStatus | ((job: Job) => boolean), timeoutMs?: number): Promise<Job>;
  ended(id: string, timeoutMs?: number): Promise<Job>;
  bytes(artifact: Artifact): Promise<Buffer>;
  /** Files of results on their way, which must be gone when a job is. */
  leftovers(): Promise<string[]>;
}

export async function startHarness(redisUrl: string): Promise<Harness> {
  const stores = await openStores(redisUrl, { addTicket: (ticket) => queue.add(ticket).catch(() => undefined) });
  const subscriber = connectRedis({ url: redisUrl, role: 'subscriber', log: silent });
  const queue: JobQueue = createBullQueue(stores.redis, stores.keys, silent);
  const dir = await mkdtemp(join(tmpdir(), 'comfygate-test-'));
  const tempDir = join(dir, 'spool');
  const folder = join(dir, 'artifacts');
  const artifacts = createFolderStore({
    folder,
    publicUrl: 'http://gateway.test',
    signingSecret: 'a secret of this test and of no other',
    now: Date.now,
  });
  const workers: Worker[] = [];
  const simulators: Simulator[] = [];

  async function job(id: string): Promise<Job> {
    const found = await stores.gateway.get(id);
    if (!found) throw new Error('the job is gone');
    return found;
  }

  async function until(id: string, wanted: JobStatus | ((job: Job) => boolean), timeoutMs = 15_000) {
    const fits = typeof wanted === 'string' ? (seen: Job) => seen.status === wanted : wanted;
    return await vi.waitFor(
      async () => {
        const seen = await job(id);
        if (!fits(seen)) throw new Error(`not yet: ${JSON.stringify(seen, null, 1)}`);
        return seen;
      },
      { timeout: timeoutMs, interval: 5 },
    );
  }

  return {
    stores,
    artifacts,
    job,
    until,
    ended: (id, timeoutMs) => until(id, (seen) => isTerminal(seen.status), timeoutMs),
    async simulate(options) {
      const simulator = await startSimulator({ speed: Number.POSITIVE_INFINITY, ...options });
      simulators.push(simulator);
      return simulator;
    },
    work(servers, options = {}) {
      const worker = createWorker({
        store: stores.worker,
        consume: (handler) => createBullConsumer(stores.durable, stores.keys, handler, silent),
        artifacts,
        reporter: createRedisBackendReporter(stores.durable, stores.keys),
        previewPublisher: createRedisPreviewPublisher(stores.durable, stores.keys),
        nodeTimesStore: createRedisNodeTimes(stores.durable, stores.keys),
        nodeDefinitionsPublisher: createRedisNodeDefinitionsPublisher(stores.durable, stores.keys),
        lookRequests: createRedisLookRequests(subscriber, stores.keys, silent),
        knownNodeDefinitions: createRedisNodeDefinitionsDirectory({
          redis: stores.durable,
          keys: stores.keys,
          backends: createRedisBackendDirectory(stores.durable, stores.keys),
          log: silent,
        }),
        backends: Object.entries(servers).map(([name, url]) => ({ name, url })),
        modelInputs: () => ['CheckpointLoaderSimple.ckpt_name'],
        depth: 2,
        jobTimeoutMs: 30_000,
        jobAttempts: 2,
        previewMethod: 'none',
        tempDir,
        inputs: { maxBytes: 10_000_000, origins: [] },
        finishTimeoutMs: 0,
        log: silent,
        ...options,
        timings: { ...quick, ...options.timings },
      });
      workers.push(worker);
      return worker;
    },
    async submit(graph, overrides = {}) {
      const created = newJob({
        workflow: 'custom',
        parameters: { graph },
        idempotencyKey: randomUUID(),
        nodesTotal: Object.keys(graph).length,
        ...overrides,
      });
      const accepted = await stores.gateway.accept(created);
      if (accepted.outcome !== 'created') throw new Error(`not created: ${accepted.outcome}`);
      if (accepted.ticket !== null) await queue.add(accepted.ticket);
      return created.id;
    },
    bytes: ({ key }) => readFile(objectPaths(folder, key).data),
    leftovers: () => readdir(tempDir).catch(() => []),
    async [Symbol.asyncDispose]() {
      await Promise.all(workers.map((worker) => worker.close()));
      await Promise.all(simulators.map((simulator) => simulator.close()));
      await queue.close();
      await closeRedis(subscriber);
      await stores.close();
      artifacts.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
