import type { Logger } from 'pino';
import type { BackendReport } from '../../src/backends/backends.ts';
import type { ComfyClient, NodeClass } from '../comfyui/client.ts';
import { ComfyError } from '../comfyui/http.ts';
import { isSupported, OLDEST_SUPPORTED } from '../comfyui/version.ts';
import { reasonOf } from '../scrub.ts';

export interface MonitorOptions {
  name: string;
  client: ComfyClient;
  /** `Class.input` of the options to be reported. */
  modelInputs: string[];
  log: Logger;
  /** Called after each look. */
  onSeen(report: BackendReport): void;
  /** Default 2 s. */
  intervalMs?: number;
}

/** Looks at one server every two seconds. */
export interface Monitor {
  /** Null before the first look is over. */
  readonly report: BackendReport | null;
  /** Classes whose nodes make results; null until the catalogue has been read. */
  readonly outputClasses: ReadonlySet<string> | null;
  /** The server may have been restarted: look now, and ask everything anew. */
  recheck(): void;
  close(): Promise<void>;
}

/** What a server says of itself that changes only with a restart, or slowly. */
interface Facts {
  version: string | null;
  models: BackendReport['models'];
  modelsReadAt: number;
}

const LOOK_TIMEOUT_MS = 5_000;
const CATALOGUE_TIMEOUT_MS = 60_000;
const MODELS_EVERY_MS = 60_000;

export function startMonitor(options: MonitorOptions): Monitor {
  const { name, client, modelInputs, log, onSeen, intervalMs = 2_000 } = options;
  const ended = new AbortController();
  const { signal } = ended;
  let facts: Facts | undefined;
  let outputClasses: ReadonlySet<string> | null = null;
  let catalogueAsked = false;
  let restarts = 0;
  let wake: (() => void) | undefined;
  let report: BackendReport | null = null;

  async function look(): Promise<BackendReport> {
    try {
      const before = restarts;
      const read = await refresh(facts);
      facts = restarts === before ? read : undefined;
      const { version, models } = read;
      if (!isSupported(version)) {
        return down(name, version, `ComfyUI ${version ?? 'of unknown version'} is older than ${OLDEST_SUPPORTED}`);
      }
      const length = await client.queueLength({ signal, timeoutMs: LOOK_TIMEOUT_MS });
      void readCatalogue();
      // ComfyUI runs at most one prompt.
      const running = Math.min(1, length);
      return { name, status: 'UP', comfyuiVersion: version, queued: length - running, running, message: null, models };
    } catch (cause) {
      signal.throwIfAborted();
      const version = facts?.version ?? null;
      facts = undefined;
      if (!(cause instanceof ComfyError)) throw cause;
      return down(name, version, cause.message);
    }
  }

  async function refresh(known: Facts | undefined): Promise<Facts> {
    if (known && performance.now() - known.modelsReadAt < MODELS_EVERY_MS) return known;
    const limits = { signal, timeoutMs: LOOK_TIMEOUT_MS };
    const version = known?.version ?? (await client.systemStats(limits)).comfyuiVersion;
    const classes = new Set(modelInputs.map((input) => splitInput(input).className));
    const read = await Promise.all([...classes].map((className) => client.objectInfo(className, limits)));
    const models = modelOptions(modelInputs, new Map(read.flatMap((each) => [...each])));
    return { version, models, modelsReadAt: performance.now() };
  }

  /** Once after each (re)start and beside the looks, since it is large and slow; a failure is tried again with the next look. */
  async function readCatalogue() {
    if (catalogueAsked) return;
    catalogueAsked = true;
    try {
      const classes = await client.objectInfo(null, { signal, timeoutMs: CATALOGUE_TIMEOUT_MS });
      outputClasses = new Set([...classes].filter(([, { outputNode }]) => outputNode).map(([className]) => className));
    } catch (cause) {
      catalogueAsked = false;
      if (!signal.aborted) log.debug({ reason: reasonOf(cause) }, 'comfyui catalogue not read');
    }
  }

  async function loop() {
    while (!signal.aborted) {
      const seen = await look();
      if (seen.status !== report?.status || seen.message !== report.message) {
        log.info({ status: seen.status, version: seen.comfyuiVersion, reason: seen.message }, 'comfyui seen');
      }
      report = seen;
      onSeen(report);
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
    get outputClasses() {
      return outputClasses;
    },
    recheck() {
      restarts++;
      facts = undefined;
      catalogueAsked = false;
      wake?.();
    },
    async close() {
      ended.abort();
      wake?.();
      await running;
    },
  };
}

function modelOptions(inputs: string[], classes: ReadonlyMap<string, NodeClass>): BackendReport['models'] {
  const entries = inputs.flatMap((input) => {
    const { className, inputName } = splitInput(input);
    const options = classes.get(className)?.options[inputName];
    return options ? [[input, options] as const] : [];
  });
  return Object.fromEntries(entries);
}

/** Class names may have dots; input names too (`format.codec`), but not those of MODEL parameters. */
function splitInput(input: string): { className: string; inputName: string } {
  const dot = input.lastIndexOf('.');
  return { className: input.slice(0, dot), inputName: input.slice(dot + 1) };
}

function down(name: string, comfyuiVersion: string | null, message: string): BackendReport {
  return { name, status: 'DOWN', comfyuiVersion, queued: 0, running: 0, message, models: {} };
}
