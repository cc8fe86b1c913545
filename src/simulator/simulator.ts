import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { executePrompt } from './execution/executor.ts';
import { createPace } from './execution/pace.ts';
import { createPromptQueue } from './execution/prompt-queue.ts';
import { createResultCache } from './execution/result-cache.ts';
import { createFaults, type FaultHandle, type Faults } from './faults.ts';
import { createFileStore } from './files.ts';
import { type Counters, controlRoutes } from './http/control-routes.ts';
import { infoRoutes } from './http/info-routes.ts';
import { jobRoutes } from './http/job-routes.ts';
import { promptRoutes } from './http/prompt-routes.ts';
import { queueRoutes } from './http/queue-routes.ts';
import { createWebServer } from './http/server.ts';
import { uploadRoutes } from './http/upload-routes.ts';
import { viewRoutes } from './http/view-routes.ts';
import { createMessageHub } from './messages.ts';
import { createFingerprint } from './nodes/fingerprint.ts';
import { loadObjectInfo, type PackNode } from './object-info.ts';

export interface SimulatorOptions {
  /** Default 0: a free one. */
  port?: number | undefined;
  /** Classes beside those of the recorded server, as packs of custom nodes bring them. */
  packs?: Readonly<Record<string, PackNode>> | undefined;
  /** Default 127.0.0.1. */
  host?: string | undefined;
  /** Multiplies the speed of nodes. Default 1 (a sampler step takes 20 ms); Infinity does not wait at all. */
  speed?: number | undefined;
  /** Bound of all files together; the oldest results go first. Default 256 MiB. */
  maxFileBytes?: number | undefined;
  /** Milliseconds since 1970. Default Date.now. */
  now?: (() => number) | undefined;
  /** How a restart waits until it is over. Default: a timer. */
  sleep?: ((ms: number) => Promise<void>) | undefined;
  /** Reports bugs of the simulator. Default: console.error. */
  report?: ((error: unknown) => void) | undefined;
}

export interface Simulator extends Readonly<Counters>, AsyncDisposable {
  /** `http://host:port`, without a slash at the end. */
  url: string;
  port: number;
  /** The faults, which can be switched at any time. */
  faults: FaultHandle;
  /** Open WebSocket connections. */
  readonly sockets: number;
  /** Breaks all connections and stops. Nothing is left. */
  close(): Promise<void>;
}

/** How long a restart by `restartWhen` takes. A real one takes longer, to load its nodes. */
const RESTART_MS = 500;

/** Starts a ComfyUI 0.33 without a GPU. Its files, queue and history live in memory and end with it. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { port = 0, host = '127.0.0.1', speed = 1, maxFileBytes = 256 * 1024 * 1024, now = Date.now } = options;
  const report = options.report ?? ((error: unknown) => console.error(error));
  const closing = new AbortController();
  const sleep = options.sleep ?? ((ms) => delay(ms, undefined, { signal: closing.signal, ref: false }));
  const counters: Counters = { posts: 0, promptIds: [], started: [], nodesRun: 0, interrupts: 0 };
  const faults = createFaults({ closeSockets: () => hub.terminateAll(), restart: (ms) => void restart(ms) });
  const files = createFileStore(maxFileBytes, now);
  const { packs = {} } = options;
  const objectInfo = loadObjectInfo(files, packs);
  const cache = createResultCache(objectInfo, createFingerprint(files));
  const pace = createPace(speed, faults, closing.signal);
  const hub = createMessageHub(() => queue.remaining(), faults);
  const queue = createPromptQueue(broadcastStatus, () => void work());
  let working: Promise<void> | undefined;
  let dropCache = false;
  let restarting = false;

  function broadcastStatus(): void {
    hub.broadcast('status', { status: { exec_info: { queue_remaining: queue.remaining() } } });
  }

  /** Whether the worker takes prompts. */
  const mayWork = () => !restarting && !faults.current.deadBetween && !closing.signal.aborted;

  /** Runs the pending prompts, strictly one after the other; a second call joins the first. */
  function work(): Promise<void> {
    working ??= runPending()
      .catch((error: unknown) => {
        if (!closing.signal.aborted) report(error);
      })
      .finally(() => {
        working = undefined;
        if (mayWork() && queue.pending.length > 0) void work();
      });
    return working;
  }

  async function runPending(): Promise<void> {
    await Promise.resolve(); // The answer to the submission is made first.
    const take = () => (mayWork() ? queue.take() : undefined);
    for (let item = take(); item; item = take()) {
      counters.started.push(item.promptId);
      const onNodeRun = () => void counters.nodesRun++;
      const onFirstNode = () => restartAt('running');
      const parts = { objectInfo, packs, cache, faults, files, hub, pace, now, onNodeRun, onFirstNode, report };
      const { promptId } = item;
      const result = await executePrompt(item, parts);
      if (restarting) return;
      if (faults.strikes('poisonHistory')) queue.poison(promptId);
      queue.done(result);
      if (faults.strikes('clearHistory')) queue.clearHistory();
      restartAt('ended');
      hub.direct('executing', { node: null, prompt_id: promptId });
      applyFree();
    }
  }

  /** Leaves what a new process would find: the files, without those of `temp`, and nothing that was in memory. */
  async function restart(ms: number): Promise<void> {
    if (restarting || closing.signal.aborted) return;
    restarting = true;
    hub.terminateAll();
    faults.current.deadWorker = faults.current.deadBetween = false;
    // The time counts from here, whatever stopping the prompt takes.
    const over = sleep(ms).catch(() => undefined);
    pace.interrupt();
    await working;
    queue.reset();
    cache.clear();
    files.clear('temp');
    hub.client = hub.currentNode = undefined;
    await over;
    restarting = false;
  }

  function restartAt(moment: Faults['restartWhen']): void {
    if (moment !== faults.current.restartWhen) return;
    faults.current.restartWhen = null;
    void restart(RESTART_MS);
  }

  function applyFree(): void {
    if (dropCache) cache.clear();
    dropCache = false;
  }

  function interrupt(): void {
    counters.interrupts += 1;
    pace.interrupt();
  }

  const onAccepted = (promptId: string): void => {
    counters.posts += 1;
    counters.promptIds.push(promptId);
    // The prompt is answered before the restart.
    setImmediate(restartAt, 'accepted');
  };
  const free = (drop: boolean): void => {
    dropCache ||= drop;
    if (!queue.running) applyFree();
  };
  const routes = [
    ...promptRoutes({ objectInfo, faults, files, queue, now, onAccepted }),
    ...queueRoutes({ faults, queue, interrupt, free }),
    ...jobRoutes({ faults, queue, interrupt }),
    ...viewRoutes({ faults, files }),
    ...uploadRoutes(files),
    ...infoRoutes(objectInfo),
    ...controlRoutes(faults, () => counters),
  ];
  const server = createWebServer({ routes, faults, hub, report, isRestarting: () => restarting });
  server.listen(port, host);
  await once(server, 'listening');
  const bound = (server.address() as AddressInfo).port;

  async function close(): Promise<void> {
    if (closing.signal.aborted) return;
    closing.abort();
    hub.terminateAll();
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
    await working;
  }

  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    port: bound,
    faults,
    get posts() {
      return counters.posts;
    },
    get nodesRun() {
      return counters.nodesRun;
    },
    get interrupts() {
      return counters.interrupts;
    },
    get sockets() {
      return hub.count();
    },
    promptIds: counters.promptIds,
    started: counters.started,
    close,
    [Symbol.asyncDispose]: close,
  };
}
