import type { Logger } from 'pino';
import type { NodeTimesStore } from '../../src/backends/node-times.ts';
import type { Graph } from '../../src/core/graph.ts';
import type { NodeTiming } from '../../src/core/job.ts';
import { costName, nodeLoads } from '../../src/core/node-load.ts';

/** How long nodes usually take, by server and class; for a node with a number of steps, by step. */
export interface NodeTimes {
  /** Milliseconds that this node will take at that server; null while nothing is known of its class there. */
  expected(backend: string, node: Graph[string]): number | null;
  /**
   * How long the nodes of a prompt took that succeeded there; and, for what gateways estimate of a job, what nodes of
   * their class and size cost as a rule: nothing where ComfyUI had their results.
   */
  learn(backend: string, graph: Graph, timings: NodeTiming[]): void;
  /** Writes what is not written yet. */
  close(): Promise<void>;
}

export interface NodeTimesOptions {
  store: NodeTimesStore;
  log: Logger;
  /** Between what is learned and its being written, so that many jobs make few writes; default 1 s. */
  writeAfterMs?: number;
}

/** Weight of the newest time in the mean, so that a change shows after a few jobs. */
const NEWEST = 0.3;
/**
 * Classes of all servers together; one has some hundreds, and of some of them several sizes. Of more, those go that
 * nobody has used for longest: callers choose the sizes.
 */
const MOST_TIMES = 10_000;
const MOST_NAME_LENGTH = 200;
/** What other workers have learned meanwhile. */
const READ_EVERY_MS = 60_000;

export function createNodeTimes({ store, log, writeAfterMs = 1_000 }: NodeTimesOptions): NodeTimes {
  const known = new Map<string, number>();
  const unwritten = new Set<string>();
  const dropped = new Set<string>();
  let readAt = Number.NEGATIVE_INFINITY;
  let writing: NodeJS.Timeout | undefined;

  /** Times only weigh the progress, which is shown without them, too. */
  const failed = (cause: unknown) => log.debug({ err: cause }, 'node times not exchanged');

  function readAgain() {
    if (performance.now() - readAt < READ_EVERY_MS) return;
    readAt = performance.now();
    store.read().then((times) => {
      for (const [name, ms] of times) if (!unwritten.has(name) && !dropped.has(name)) keep(name, ms);
    }, failed);
  }

  async function write() {
    clearTimeout(writing);
    writing = undefined;
    const times = new Map([...unwritten].map((name) => [name, known.get(name) ?? 0]));
    const gone = [...dropped];
    unwritten.clear();
    dropped.clear();
    if (times.size > 0) await store.write(times, gone).catch(failed);
  }

  function keep(name: string, ms: number) {
    known.set(name, ms);
    const [oldest] = known.keys();
    if (known.size <= MOST_TIMES || oldest === undefined) return;
    known.delete(oldest);
    unwritten.delete(oldest);
    dropped.add(oldest);
  }

  function take(name: string, newest: number) {
    const before = known.get(name);
    if (before === undefined && name.length > MOST_NAME_LENGTH) return;
    const mean = before === undefined ? newest : before + NEWEST * (newest - before);
    // Behind all others: the latest that was used.
    known.delete(name);
    keep(name, Math.round(mean * 1000) / 1000);
    dropped.delete(name);
    unwritten.add(name);
  }

  readAgain();
  return {
    expected(backend, node) {
      readAgain();
      const { name, units } = unitOf(backend, node);
      const ms = known.get(name);
      return ms === undefined ? null : ms * units;
    },
    learn(backend, graph, timings) {
      const loads = nodeLoads(graph);
      const samplers = timings.filter(({ nodeId }) => loads.get(nodeId)?.steps);
      // Of what was asked for twice, next to nothing runs: it says nothing of what such a job costs.
      const isRepeated = samplers.length > 0 && samplers.every(({ cached }) => cached);
      for (const { nodeId, ms, cached } of timings) {
        const node = graph[nodeId];
        const load = loads.get(nodeId);
        if (!node || !load) continue;
        const { name, units } = unitOf(backend, node);
        if (!cached) take(name, ms / units);
        const { kind, bucket } = costName(load);
        if (!isRepeated) take(`${backend}/${kind}/${bucket}`, cached ? 0 : ms / (load.steps ?? 1));
      }
      if (unwritten.size > 0) writing ??= setTimeout(write, writeAfterMs);
    },
    close: write,
  };
}

/** Names of servers have no slash. */
function unitOf(backend: string, { class_type, inputs }: Graph[string]): { name: string; units: number } {
  const { steps } = inputs;
  if (typeof steps !== 'number' || !(steps >= 1)) return { name: `${backend}/${class_type}`, units: 1 };
  return { name: `${backend}/${class_type}/step`, units: steps };
}
