import type { Graph } from '../../src/core/graph.ts';
import type { Progress } from '../../src/core/job.ts';
import { linkOf, nodeWork } from '../../src/core/node-work.ts';
import { graphNode, type PromptMessage } from '../comfyui/messages.ts';

/** What is known of a prompt's nodes; `progress` is what is shown of it. Changed only by `applyMessage`. */
export interface ProgressState {
  readonly graph: Graph;
  /** Nodes that the wanted outputs need: those that will run, unless they are cached, lazy or blocked. */
  readonly needed: ReadonlySet<string>;
  /** How much of the work each of them is, on any scale. */
  readonly weights: ReadonlyMap<string, number>;
  readonly cached: ReadonlySet<string>;
  readonly done: ReadonlySet<string>;
  /** How far the running ones are. */
  readonly steps: ReadonlyMap<string, { value: number; max: number }>;
  readonly current: string | null;
  readonly progress: Progress;
}

/** Shown until the job has SUCCEEDED: nodes may be skipped, repeat themselves, or multiply at run time. */
const MOST = 0.99;
/** Bounds of a node's weight: one that takes no time still counts, and no number of steps makes the sum infinite. */
const WEIGHT = { least: 0.1, most: 2 ** 31 };

/**
 * `outputClasses`: which classes make results, as the server says; null when it has not said. `fraction`: what an
 * earlier prompt of the same attempt had come to, below which this one does not show. `expectedMs`: how long a node
 * will take; null: not known.
 */
export function startProgress(
  graph: Graph,
  outputClasses: ReadonlySet<string> | null,
  fraction = 0,
  expectedMs: (id: string) => number | null = () => null,
): ProgressState {
  const needed = neededNodes(graph, outputClasses);
  const state = {
    graph,
    needed,
    weights: weigh(graph, needed, expectedMs),
    cached: new Set<string>(),
    done: new Set<string>(),
    steps: new Map(),
    current: null,
    progress: { fraction, nodesDone: 0, nodesTotal: 0, node: null },
  };
  return shown(state);
}

/** What the message changes. The fraction never falls, whatever the server says. */
export function applyMessage(state: ProgressState, message: PromptMessage): ProgressState {
  switch (message.type) {
    case 'execution_cached':
      return shown({ ...state, cached: new Set(message.data.nodes.filter((id) => id in state.graph)) });
    case 'executing': {
      const { node, display_node } = message.data;
      return node === null ? state : shown({ ...state, current: graphNode(state.graph, display_node ?? node) });
    }
    case 'progress': {
      const node = graphNode(state.graph, message.data.node ?? '') ?? state.current;
      if (node === null) return state;
      return shown({ ...state, current: node, steps: new Map(state.steps).set(node, message.data) });
    }
    case 'progress_state':
      return shown(withNodeStates(state, message.data.nodes));
    case 'executed': {
      const node = graphNode(state.graph, message.data.display_node ?? message.data.node);
      return node === null ? state : shown({ ...state, done: new Set(state.done).add(node) });
    }
    default:
      return state;
  }
}

/** How a job that SUCCEEDED is shown. */
export function completedProgress({ progress: { nodesTotal } }: ProgressState): Progress {
  return { fraction: 1, nodesDone: nodesTotal, nodesTotal, node: null };
}

type NodeStates = Extract<PromptMessage, { type: 'progress_state' }>['data']['nodes'];

function withNodeStates(state: ProgressState, nodes: NodeStates): ProgressState {
  const done = new Set(state.done);
  const steps = new Map(state.steps);
  const running: string[] = [];
  for (const [id, node] of Object.entries(nodes)) {
    const shownAs = graphNode(state.graph, node.display_node_id ?? id);
    if (shownAs === null) continue;
    if (node.state === 'running') {
      running.push(shownAs);
      steps.set(shownAs, node);
    } else if (node.state === 'finished' && id === shownAs) {
      // A node made at run time does not finish the one that it is shown as.
      done.add(id);
    }
  }
  const stays = state.current !== null && running.includes(state.current);
  return { ...state, done, steps, current: stays ? state.current : (running.at(-1) ?? state.current) };
}

/** A node whose time is not known is taken for what its like usually are, as fast as those that are known. */
function weigh(
  graph: Graph,
  needed: ReadonlySet<string>,
  expectedMs: (id: string) => number | null,
): Map<string, number> {
  const usual = nodeWork(graph);
  const nodes = [...needed].map((id) => ({ id, ms: expectedMs(id), work: usual(id) }));
  const known = nodes.flatMap(({ ms, work }) => (ms === null ? [] : { ms, work }));
  const msPerWork = known.length === 0 ? 1 : sum(known.map(({ ms }) => ms)) / sum(known.map(({ work }) => work));
  return new Map(
    nodes.map(({ id, ms, work }) => [id, Math.min(WEIGHT.most, Math.max(WEIGHT.least, ms ?? work * msPerWork))]),
  );
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

function shown(state: ProgressState): ProgressState {
  const { needed, weights, cached, done, current } = state;
  let cachedCount = 0;
  let doneCount = 0;
  let work = 0;
  let workDone = 0;
  for (const id of needed) {
    if (cached.has(id)) {
      cachedCount++;
      continue;
    }
    const weight = weights.get(id) ?? 0;
    work += weight;
    if (done.has(id)) {
      doneCount++;
      workDone += weight;
    } else workDone += weight * share(state.steps.get(id));
  }
  const fraction = work === 0 ? 0 : Math.min(MOST, workDone / work);
  return {
    ...state,
    progress: {
      // To a thousandth, so that it is not written again for less.
      fraction: Math.max(state.progress.fraction, Math.floor(fraction * 1000) / 1000),
      nodesDone: Math.max(state.progress.nodesDone, cachedCount + doneCount),
      nodesTotal: needed.size,
      node: current === null || done.has(current) ? null : nodeProgress(state, current),
    },
  };
}

/** Custom nodes report maxima of 0, and values beyond the maximum. */
function share(step: { value: number; max: number } | undefined): number {
  if (!step || step.max <= 0) return 0;
  return Math.min(1, Math.max(0, step.value / step.max));
}

function nodeProgress({ graph, steps }: ProgressState, id: string): Progress['node'] {
  const node = graph[id];
  if (!node) return null;
  const step = steps.get(id);
  // Every node begins as 0 of 1: only those that report have more.
  const counts = step !== undefined && step.max > 1;
  const totalSteps = counts ? Math.round(step.max) : null;
  return {
    id,
    classType: node.class_type,
    title: node._meta?.title ?? null,
    step: totalSteps === null || !step ? null : Math.min(totalSteps, Math.max(0, Math.floor(step.value))),
    totalSteps,
  };
}

function neededNodes(graph: Graph, outputClasses: ReadonlySet<string> | null): Set<string> {
  const links = new Map(Object.entries(graph).map(([id, node]) => [id, linksOf(node.inputs)]));
  const linked = new Set([...links.values()].flat());
  const ids = Object.keys(graph);
  const outputs = ids.filter((id) => outputClasses?.has(graph[id]?.class_type ?? ''));
  const needed = new Set<string>();
  const open = outputs.length > 0 ? outputs : ids.filter((id) => !linked.has(id));
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (needed.has(id) || !links.has(id)) continue;
    needed.add(id);
    open.push(...(links.get(id) ?? []));
  }
  return needed;
}

function linksOf(inputs: Graph[string]['inputs']): string[] {
  return Object.values(inputs).flatMap((value) => linkOf(value) ?? []);
}
