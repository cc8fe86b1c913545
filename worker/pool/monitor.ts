import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import { hedge } from '../../src/async/hedge.ts';
import type { BackendReport } from '../../src/backends/backends.ts';
import type { LookRequest } from '../../src/backends/node-definitions.ts';
import type { NodeDefinitions } from '../../src/core/node-definitions.ts';
import type { ComfyClient, QueueHead, SystemStats } from '../comfyui/client.ts';
import { type CallOptions, ComfyError } from '../comfyui/http.ts';
import { isSupported, OLDEST_SUPPORTED } from '../comfyui/version.ts';
import { createLookAgain } from './look-again.ts';
import type { Stall, StallWatch } from './stall-watch.ts';
import { createNodeDefinitionsWatch } from './watch-node-definitions.ts';

export interface MonitorOptions {
  name: string;
  client: ComfyClient;
  stalls: StallWatch;
  /** `Class.input` of the options to be reported, as they are now. */
  modelInputs: () => string[];
  /** Shows node definitions to the gateways and gives the hash that they are kept under; null: they are too large. */
  publish(nodeDefinitions: NodeDefinitions): Promise<string | null>;
  log: Logger;
  /** Called at each turn of its loop. */
  onTurn(): void;
  /** Called after each look. `stalled`: the server is DOWN since it answers and does not work. */
  onSeen(report: BackendReport, stalled: boolean): void;
  /** Default 2 s. */
  intervalMs?: number;
}

/** Looks at one server every two seconds. */
export interface Monitor {
  /** Null before the first look is over. */
  readonly report: BackendReport | null;
  /** The server's classes; null until they have been read. */
  readonly nodeDefinitions: NodeDefinitions | null;
  /** Those whose nodes make results. */
  readonly outputClasses: ReadonlySet<string> | null;
  /** The server may have been restarted: look now, and read everything anew. */
  recheck(): void;
  /** Reads these classes now; the report says when that is done. */
  lookAgain(request: LookRequest): void;
  close(): Promise<void>;
}

/** What a server says of itself that changes only with a restart, or slowly. */
interface Facts extends SystemStats {
  models: BackendReport['models'];
  /** What the models were read for, and when. */
  modelInputs: string[];
  modelsReadAt: number;
}

const LOOK_TIMEOUT_MS = 5_000;
/** After this long without an answer the request is made once more beside the first. */
const LOOK_AGAIN_MS = 2_000;
/** How long a server's first UP may be held back, so that what it can run is mostly known by then. */
const NODE_DEFINITIONS_GRACE_MS = 500;
const EMPTY: QueueHead = { running: null, pending: 0 };
const MODELS_EVERY_MS = 60_000;
/** Of one input. */
const MOST_MODELS = 5_000;

export function startMonitor(options: MonitorOptions): Monitor {
  const { name, client, stalls, modelInputs, publish, log, onTurn, onSeen, intervalMs = 2_000 } = options;
  const ended = new AbortController();
  const { signal } = ended;
  const classes = createNodeDefinitionsWatch({ client, publish, signal, log });
  let facts: Facts | undefined;
  let restarts = 0;
  let wake: (() => void) | undefined;
  let report: BackendReport | null = null;
  let stall: Stall | null = null;
  let lookedAgain = 0;
  const lookAgain = createLookAgain({
    read(className) {
      const replacedBy = classes.nodeDefinitions?.get(className)?.replacedBy;
      return client.objectInfo(replacedBy ?? className, within(signal));
    },
    async publish(read) {
      classes.merge(read);
      // One that had begun before has not seen what was merged.
      await classes.look();
      await classes.look();
    },
    onLooked(at) {
      lookedAgain = at;
      if (report) tell({ ...report, catalogue: classes.hash, lookedAgain });
    },
    signal,
    log,
  });

  function tell(seen: BackendReport) {
    report = seen;
    onSeen(report, stall !== null);
  }

  async function look(): Promise<BackendReport> {
    try {
      const before = restarts;
      const read = await refresh(facts);
      facts = restarts === before ? read : undefined;
      const { comfyuiVersion: version, devices, models } = read;
      if (!isSupported(version)) {
        return down(version, `ComfyUI ${version ?? 'of unknown version'} is older than ${OLDEST_SUPPORTED}`);
      }
      const length = await hedge((callSignal) => client.queueLength(within(callSignal)), LOOK_AGAIN_MS, signal);
      stall = stalls.look(length === 0 ? EMPTY : await head());
      if (stall) return { ...down(version, stall.message), stuckPrompt: stall.promptId };
      const reading = classes.look();
      if (classes.hash === null) await Promise.race([reading, delay(NODE_DEFINITIONS_GRACE_MS, undefined, { signal })]);
      // ComfyUI runs at most one prompt.
      const running = Math.min(1, length);
      const queued = length - running;
      const { hash: catalogue } = classes;
      const load = { queued, running, devices };
      return {
        name,
        status: 'UP',
        comfyuiVersion: version,
        ...load,
        message: null,
        stuckPrompt: null,
        models,
        catalogue,
        lookedAgain,
      };
    } catch (cause) {
      signal.throwIfAborted();
      const version = facts?.comfyuiVersion ?? null;
      facts = undefined;
      stall = null;
      if (!(cause instanceof ComfyError)) throw cause;
      if (cause.failure === 'unreachable') stalls.reset();
      return down(version, cause.message);
    }
  }

  /** Null where the server does not say: that it answers other questions is enough to be given work. */
  async function head(): Promise<QueueHead | null> {
    try {
      return await client.queueHead(within(signal));
    } catch (cause) {
      signal.throwIfAborted();
      if (!(cause instanceof ComfyError)) throw cause;
      return null;
    }
  }

  function down(comfyuiVersion: string | null, message: string): BackendReport {
    const { hash: catalogue } = classes;
    const nothing = { queued: 0, running: 0, devices: [], models: {} };
    return { name, status: 'DOWN', comfyuiVersion, ...nothing, message, stuckPrompt: null, catalogue, lookedAgain };
  }

  async function refresh(known: Facts | undefined): Promise<Facts> {
    const inputs = modelInputs();
    const isWhole = known && isDeepStrictEqual(known.modelInputs, inputs);
    if (isWhole && performance.now() - known.modelsReadAt < MODELS_EVERY_MS) return known;
    const { comfyuiVersion, devices } =
      known ?? (await hedge((callSignal) => client.systemStats(within(callSignal)), LOOK_AGAIN_MS, signal));
    const wanted = new Set(inputs.map((input) => splitInput(input).className));
    const read = await Promise.all([...wanted].map((className) => client.objectInfo(className, within(signal))));
    const loaders: NodeDefinitions = new Map(read.flatMap((each) => [...each]));
    const models = modelOptions(inputs, loaders);
    classes.merge(loaders);
    return { comfyuiVersion, devices, models, modelInputs: inputs, modelsReadAt: performance.now() };
  }

  async function loop() {
    while (!signal.aborted) {
      onTurn();
      const seen = await look();
      if (seen.status !== report?.status || seen.message !== report.message) {
        log.info({ status: seen.status, version: seen.comfyuiVersion, reason: seen.message }, 'comfyui seen');
      }
      tell(seen);
      await pause();
    }
  }

  function pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, intervalMs);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  const running = loop().catch((cause) => {
    if (!signal.aborted) log.error({ err: cause }, 'comfyui monitor failed');
  });

  return {
    get report() {
      return report;
    },
    get nodeDefinitions() {
      return classes.nodeDefinitions;
    },
    get outputClasses() {
      return classes.outputClasses;
    },
    recheck() {
      restarts++;
      facts = undefined;
      stalls.reset();
      classes.restarted();
      wake?.();
    },
    lookAgain,
    async close() {
      ended.abort();
      wake?.();
      await running;
    },
  };
}

function within(signal: AbortSignal): CallOptions {
  return { signal, timeoutMs: LOOK_TIMEOUT_MS };
}

function modelOptions(inputs: string[], classes: NodeDefinitions): BackendReport['models'] {
  const entries = inputs.flatMap((input) => {
    const { className, inputName } = splitInput(input);
    const spec = classes.get(className)?.inputs.get(inputName)?.spec;
    return spec?.kind === 'COMBO' ? [[input, spec.options.filter(isModelName).slice(0, MOST_MODELS)] as const] : [];
  });
  return Object.fromEntries(entries);
}

/** Below the models folder, as the catalogue takes it. Whatever else a server names there is not shown. */
function isModelName(option: unknown): option is string {
  return typeof option === 'string' && option.length <= 255 && !/^(?:[/\\]|[A-Za-z]:)|\p{Cc}/u.test(option);
}

/** Class names may have dots; input names too (`format.codec`), but not those of MODEL parameters. */
function splitInput(input: string): { className: string; inputName: string } {
  const dot = input.lastIndexOf('.');
  return { className: input.slice(0, dot), inputName: input.slice(dot + 1) };
}
