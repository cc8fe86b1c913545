import { inputNamed } from './dynamic-inputs.ts';
import type { Graph } from './graph.ts';
import type { NodeDefinitions } from './node-definitions.ts';
import { linkOf, nodeWork } from './node-work.ts';

/** What the time of a node at a server depends on. */
export interface NodeLoad {
  className: string;
  /** Of a sampler; null of any other. */
  steps: number | null;
  /** Width times height times the number of pictures that come to it; 0 where the graph does not say. */
  pixels: number;
  /** As `nodeWork` has it, for a node of which no time is known. */
  work: number;
}

interface Size {
  pixels: number;
  count: number;
}

const NO_SIZE: Size = { pixels: 0, count: 1 };
/** Names under which nodes take how many they make: pictures of a batch, frames of a film. */
const COUNTS = ['batch_size', 'length', 'frames', 'amount'];
/** A film of an hour in 8K; beyond it, and what is no number of pixels, nothing is told apart. */
const MOST_PIXELS = 2 ** 42;
const MOST_HOPS = 10;

/**
 * The graph without inputs that its nodes' classes do not declare: ComfyUI does not look at those, so they say nothing
 * of what was run. Null: the classes are not known.
 */
export function withDeclaredInputs(graph: Graph, definitions: NodeDefinitions | null): Graph {
  if (!definitions) return graph;
  return Object.fromEntries(
    Object.entries(graph).map(([id, node]) => {
      const known = definitions.get(node.class_type);
      if (!known) return [id, node];
      const declared = Object.entries(node.inputs).filter(([name]) => inputNamed(known, node.inputs, name));
      return [id, { ...node, inputs: Object.fromEntries(declared) }];
    }),
  );
}

/** The loads of all nodes of a graph. Takes time in proportion to its links, circles of which do it no harm. */
export function nodeLoads(graph: Graph): Map<string, NodeLoad> {
  const sizes = new Map<string, Size>();
  const work = nodeWork(graph);
  for (const id of Object.keys(graph)) findSize(graph, id, sizes);
  return new Map(
    Object.entries(graph).map(([id, { class_type: className, inputs }]) => {
      const size = sizes.get(id) ?? NO_SIZE;
      const isSampler = inputs.steps !== undefined || linkOf(inputs.sigmas) !== null;
      const steps = isSampler && work(id) >= 1 ? work(id) : null;
      return [id, { className, steps, pixels: bounded(size.pixels * size.count), work: work(id) }];
    }),
  );
}

/** The largest picture of a graph, in pixels; 0 where it does not say. */
export function largestPicture(graph: Graph): number {
  const sizes = new Map<string, Size>();
  for (const id of Object.keys(graph)) findSize(graph, id, sizes);
  let most = 0;
  for (const { pixels } of sizes.values()) most = Math.max(most, pixels);
  return most;
}

/** From what comes to the node first: without recursion, since the caller makes the graph. */
function findSize(graph: Graph, from: string, sizes: Map<string, Size>): void {
  const open = [from];
  const entered = new Set<string>();
  for (let id = open.at(-1); id !== undefined; id = open.at(-1)) {
    const node = Object.hasOwn(graph, id) ? graph[id] : undefined;
    if (!node || sizes.has(id)) {
      open.pop();
      continue;
    }
    const isEntered = entered.has(id);
    const waiting = open.length;
    let [mostPixels, mostCount] = [0, 1];
    for (const input in node.inputs) {
      const other = linkOf(node.inputs[input]);
      if (other === null) continue;
      const size = sizes.get(other);
      mostPixels = Math.max(mostPixels, size?.pixels ?? 0);
      mostCount = Math.max(mostCount, size?.count ?? 1);
      if (!size && !isEntered && other !== id && !entered.has(other)) open.push(other);
    }
    entered.add(id);
    if (open.length > waiting) continue;
    sizes.set(id, sizeOf(graph, node.inputs, mostPixels, mostCount));
    open.pop();
  }
}

/** `mostPixels`, `mostCount`: of all that comes to the node. */
function sizeOf(graph: Graph, inputs: Graph[string]['inputs'], mostPixels: number, mostCount: number): Size {
  const [width, height] = [numberIn(graph, inputs.width), numberIn(graph, inputs.height)];
  const by = numberIn(graph, inputs.scale_by) ?? 1;
  const pixels = width !== null && height !== null ? width * height : mostPixels * by * by;
  let count: number | null = null;
  for (const name of COUNTS) {
    const given = numberIn(graph, inputs[name]);
    if (given !== null && given >= 1) count = (count ?? 1) * given;
  }
  return { pixels: bounded(pixels), count: bounded(count ?? mostCount) };
}

/** Callers may write any numbers, of which a product may be none. */
const bounded = (product: number): number => (product > 0 ? Math.min(MOST_PIXELS, product) : 0);

/** Itself, or the one number that a node is given whose result it is. */
function numberIn(graph: Graph, value: unknown): number | null {
  if (value === undefined) return null;
  let given: unknown = value;
  for (let hops = 0; hops < MOST_HOPS; hops++) {
    if (typeof given === 'number') return given;
    const link = linkOf(given);
    const values = link !== null && Object.hasOwn(graph, link) ? Object.values(graph[link]?.inputs ?? {}) : [];
    if (values.length !== 1) return null;
    given = values[0];
  }
  return null;
}

/** Sizes within a tenth of each other are the same to a server. */
const PARTS_OF_OCTAVE = 4;

/** Under which what nodes of this class cost is kept, without the server, and which of them by size. */
export function costName({ className, steps, pixels }: Pick<NodeLoad, 'className' | 'steps' | 'pixels'>) {
  const bucket = pixels >= 1 ? Math.round(PARTS_OF_OCTAVE * Math.log2(pixels)) : 0;
  return { kind: `${className}/cost${steps === null ? '' : '/step'}`, bucket };
}

/** How many times as long the time of one bucket is, where it goes by size. */
export const sizeFactor = (from: number, to: number): number => 2 ** ((to - from) / PARTS_OF_OCTAVE);
