import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { ArtifactStore } from '../src/artifacts/artifact-store.ts';
import type { BackendReport, BackendReporter } from '../src/backends/backends.ts';
import type {
  LookRequests,
  NodeDefinitionsDirectory,
  NodeDefinitionsPublisher,
} from '../src/backends/node-definitions.ts';
import type { NodeTimesStore } from '../src/backends/node-times.ts';
import { createMediaReader } from '../src/files/media-facts.ts';
import type { WorkerJobStore } from '../src/job-record/job-store.ts';
import type { Seal } from '../src/job-record/seal.ts';
import { createLoops, type Loops } from '../src/observability/loops.ts';
import type { BoundUses } from '../src/observability/process-metrics.ts';
import { throttledWarning } from '../src/observability/throttled.ts';
import type { WorkerMetrics } from '../src/observability/worker-metrics.ts';
import type { PreviewPublisher } from '../src/progress/previews.ts';
import type { DeliveryHandler, JobConsumer } from '../src/queue/queue.ts';
import { createDeferredJobs } from './delivery/deferred-jobs.ts';
import { turnOf } from './delivery/fetch-inputs.ts';
import { startFitness } from './delivery/fitness.ts';
import { type DeliveryParts, handleDelivery } from './delivery/handle-delivery.ts';
import { createTemplateLoader } from './delivery/load-plan.ts';
import { createInputStock } from './inputs/input-stock.ts';
import { createPlacedFiles } from './inputs/placed-files.ts';
import type { BreakerOptions } from './pool/breaker.ts';
import { type ConnectedBackend, connectBackend } from './pool/connect.ts';
import { createPool } from './pool/pool.ts';
import { startReports } from './pool/reports.ts';
import { createNodeTimes } from './progress/node-times.ts';
import { createReaper } from './prompt/reaper.ts';
import { defaultTimings, type Timings } from './timings.ts';

export interface WorkerParts {
  store: WorkerJobStore;
  consume(handler: DeliveryHandler, loops: Pick<Loops, 'add'>): JobConsumer;
  /** Whether Redis answers: while it does not, loops that need it may stand still. Default: it does. */
  redisAnswers?: () => boolean;
  artifacts: ArtifactStore;
  reporter: BackendReporter;
  previewPublisher: PreviewPublisher;
  nodeTimesStore: NodeTimesStore;
  nodeDefinitionsPublisher: NodeDefinitionsPublisher;
  knownNodeDefinitions: Pick<NodeDefinitionsDirectory, 'read'>;
  lookRequests: LookRequests;
  /** The ComfyUI servers; names are unique in the whole installation. */
  backends: readonly { name: string; url: string }[];
  /** `Class.input` of the options that are reported for the catalogue's models. */
  modelInputs: () => string[];
  /** Prompts at once for each server. */
  depth: number;
  /** Running time of each attempt, in milliseconds. */
  jobTimeoutMs: number;
  /** Failures in the middle of a job's work until it is given up. */
  jobAttempts: number;
  /**
   * How samplers make previews: `latent2rgb`, `taesd`, `auto` or `none`. Before ComfyUI 0.5 the server decides alone.
   */
  previewMethod: string;
  /** The installation's key for partner nodes. */
  orgApiKey?: string | undefined;
  /** Opens the keys that jobs bring. Default: none can be opened. */
  seal?: Pick<Seal, 'open'>;
  /** Of input files: bytes of one, and origins that the rules for addresses do not apply to. */
  inputs: { maxBytes: number; origins: readonly string[] };
  /** For files on their way; made when missing. */
  tempDir: string;
  /** How long `close` lets running jobs finish before it hands them back, in milliseconds. */
  finishTimeoutMs: number;
  log: Logger;
  /** Default: a new UUID. */
  workerId?: string;
  timings?: Partial<Timings>;
  breaker?: BreakerOptions;
  /** 0 to 1; default Math.random. */
  random?: () => number;
  metrics?: WorkerMetrics | undefined;
}

export interface Worker {
  /** The servers that it has looked at, as it sees them now. */
  backends(): BackendReport[];
  /**
   * Takes no more jobs, lets those that run finish for `finishTimeoutMs`, then hands them back: the next worker goes on
   * with their prompts. Resolves when everything is closed. Any number of times.
   */
  close(): Promise<void>;
  /** Why it takes no jobs though its servers do, for a person; null while it takes them. */
  unfit(): string | null;
  /** Its loops that have not turned for too long though they could, and since when (milliseconds since 1970). */
  late(): { name: string; since: number }[];
  /** What is taken of each bound that all callers share, by its name. */
  bounds(): BoundUses;
}

/** Starts taking jobs as soon as a ComfyUI is reached. */
export function createWorker(options: WorkerParts): Worker {
  const { log, modelInputs, nodeDefinitionsPublisher, depth, reporter, metrics, random = Math.random } = options;
  const { workerId = randomUUID() } = options;
  const timings: Timings = { ...defaultTimings, ...options.timings };
  const loops = createLoops({ lateMs: timings.late });
  const handover = new AbortController();
  let consumer: JobConsumer | undefined;

  const connected: ConnectedBackend[] = options.backends.map(({ name, url }) =>
    connectBackend({
      name,
      url,
      clientId: workerId,
      modelInputs,
      nodeDefinitionsPublisher,
      intervalMs: timings.monitor,
      log: log.child({ backend: name }),
      random,
      onTurn: loops.add(`looking at ${name}`),
      stall: {
        notTakenMs: timings.notTaken,
        outlivedMs: timings.outlived,
        longestMs: options.jobTimeoutMs + timings.longest,
        leftAloneMs: timings.leftAlone,
      },
      onSeen({ status, queued, running }, stalled) {
        pool.update(name, { reachable: status === 'UP', stalled, queueLength: queued + running });
        reports.onChange();
      },
    }),
  );
  const { store, artifacts, jobAttempts, jobTimeoutMs, previewPublisher, previewMethod, tempDir } = options;
  const deferredJobs = createDeferredJobs(random);
  /** Jobs whose files are fetched hold no slot, so that others are delivered meanwhile. */
  function setCapacity() {
    consumer?.setCapacity(fitness.unfit === null ? pool.capacity + stock.fetching : 0);
  }
  function promoteNext(waitedFor: string) {
    const next = deferredJobs.next(waitedFor);
    if (next !== null) consumer?.promote(next);
  }
  const fitness = startFitness({
    dir: tempDir,
    artifacts,
    onChange() {
      setCapacity();
      reports.onChange();
    },
    intervalMs: timings.fitness,
    log,
  });
  const stock = createInputStock({
    maxBytes: options.inputs.maxBytes,
    isWaiting: async (jobId) => (await store.read(jobId))?.status === 'QUEUED',
    onChange(caller) {
      setCapacity();
      if (caller !== null) promoteNext(turnOf(caller));
    },
    onError: throttledWarning(log, 'kept input files not looked at'),
  });
  const pool = createPool({
    backends: connected.map(({ backend }) => backend),
    depth,
    onCapacity: setCapacity,
    onFreeSlot: promoteNext,
    onBreaker: (name, state) => metrics?.breakerChanged(name, state),
    ...(options.breaker ? { breaker: options.breaker } : {}),
  });
  const backends = () =>
    connected.flatMap<BackendReport>(({ monitor: { report } }) => {
      if (!report) return [];
      return report.status === 'UP' && pool.isDraining(report.name) ? { ...report, status: 'DRAINING' } : report;
    });
  const reports = startReports({
    reporter,
    workerId,
    // What it sees there is of no use to anybody while it takes no jobs: they go to other workers' servers.
    read: () => (fitness.unfit === null ? backends() : []),
    onTurn: loops.add('reporting', options.redisAnswers),
    onDraining: (names) => pool.drain(names),
    onStuck(prompts) {
      for (const { backend, foundStuck } of connected) {
        const promptId = prompts.get(backend.name);
        if (promptId !== undefined) foundStuck(promptId);
      }
    },
    intervalMs: timings.monitor,
    log,
  });
  const asked = options.lookRequests.listen((request) => {
    for (const { monitor } of connected) monitor.lookAgain(request);
  });
  const reaper = createReaper({ log, forMs: timings.reap });
  const nodeTimes = createNodeTimes({ store: options.nodeTimesStore, log });
  const parts: DeliveryParts = {
    workerId,
    store,
    artifacts,
    reporter,
    startedAt: performance.now(),
    knownNodeDefinitions: options.knownNodeDefinitions,
    previewPublisher,
    nodeTimes,
    pool,
    deferredJobs,
    fitness,
    stock,
    reaper,
    loadTemplate: createTemplateLoader((hash) => store.template(hash)),
    jobAttempts,
    jobTimeoutMs,
    previewMethod,
    orgApiKey: options.orgApiKey ?? null,
    openApiKey: (sealed, jobId) => options.seal?.open(sealed, jobId) ?? null,
    tempDir,
    placedFiles: createPlacedFiles(),
    inputs: options.inputs,
    readMedia: createMediaReader(),
    timings,
    random,
    metrics,
    unconfirmed: throttledWarning(log, 'lease not confirmed'),
    unfetched: throttledWarning(log, 'input files not fetched yet'),
    log,
  };
  consumer = options.consume(
    (ticket, delivery) => handleDelivery(ticket, { delivery, handover: handover.signal }, parts),
    loops,
  );
  setCapacity();

  async function close() {
    loops.close();
    asked[Symbol.dispose]();
    const drained = consumer?.close();
    const bound = setTimeout(() => handover.abort(), options.finishTimeoutMs);
    await drained;
    clearTimeout(bound);
    handover.abort();
    reaper.close();
    fitness.close();
    await stock.close();
    await Promise.all(connected.map((each) => each.close()));
    await nodeTimes.close();
    await reports.close();
  }

  let closing: Promise<void> | undefined;
  return {
    // Loops that end because the worker closes do not hang.
    late: () => (closing ? [] : loops.late()),
    backends,
    unfit: () => (closing ? null : fitness.unfit),
    bounds: () => ({ input_fetches: stock.use() }),
    close() {
      closing ??= close();
      return closing;
    },
  };
}
