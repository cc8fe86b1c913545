import { inputNamed } from '../../core/dynamic-inputs.ts';
import type { Graph, GraphNode } from '../../core/graph.ts';
import type { Json } from '../../core/job.ts';
import type { InputSpec, NodeDefinitions } from '../../core/node-definitions.ts';
import { own } from '../../core/objects.ts';
import type { Target } from '../../core/target.ts';
import { type Output, outputsOf } from './declared.ts';
import { findHeld, findPassing } from './passing.ts';

/** An input of a node, by the node's id and the input's name, or a value inside of an object that is its value. */
export type Place = Target;

/** A literal value in the graph. */
export interface Literal {
  /**
   * `at` is the input that uses the value. `place` is where it is stored: `at`, or the input of a node that only holds
   * it.
   */
  at: Place;
  place: Place;
  value: string | number | boolean;
}

/** The links between the nodes of a graph, and what their classes declare. */
export interface Wiring {
  ids: readonly string[];
  node(id: string): GraphNode | undefined;
  inputs(id: string): string[];
  /** The node and output that an input is linked to; null where it is not a link. */
  link(at: Place): { node: string; slot: number } | null;
  /**
   * The value that an input has by hand, also where it comes through nodes that only hold a value or pass one on, such
   * as PrimitiveInt; null where it is made.
   */
  literal(at: Place): Literal | null;
  /** The inputs that a node's outputs are linked to. */
  users(node: string): readonly (Place & { slot: number })[];
  /** The input of a node that only holds one value, which others use; null for other nodes. */
  held(node: string): string | null;
  /** Whether the class of the node is defined. */
  isKnown(node: string): boolean;
  /** What the class declares of an input; undefined where it declares nothing, or is not known. */
  spec(at: Place): InputSpec | undefined;
  /** The outputs of a node's class; null where the class is not known. */
  outputs(node: string): readonly Output[] | null;
  /** The class's name for people, if it is known. */
  displayName(node: string): string;
}

/** Values are passed on through at most so many nodes: more can only be a circle. */
const MOST_PASSED = 20;

export function createWiring(graph: Graph, nodeDefinitions: NodeDefinitions = new Map()): Wiring {
  const node = (id: string): GraphNode | undefined => own(graph, id);
  const classOf = (id: string) => nodeDefinitions.get(node(id)?.class_type ?? '');
  const valueAt = ({ node: id, input }: Place): Json | undefined => {
    const inputs = node(id)?.inputs;
    return inputs && own(inputs, input);
  };

  const link = (at: Place) => {
    const value = valueAt(at);
    if (!Array.isArray(value) || value.length !== 2) return null;
    const [from, slot] = value;
    return typeof from === 'string' && typeof slot === 'number' && node(from) ? { node: from, slot } : null;
  };

  const users = new Map<string, (Place & { slot: number })[]>();
  for (const [id, { inputs }] of Object.entries(graph)) {
    for (const input of Object.keys(inputs)) {
      const from = link({ node: id, input });
      if (!from) continue;
      const known = users.get(from.node) ?? [];
      known.push({ node: id, input, slot: from.slot });
      users.set(from.node, known);
    }
  }

  const passing = new Map<string, string | null>();
  const passingOf = (id: string, slot: number): string | null => {
    const key = `${slot} ${id}`;
    const known = passing.get(key);
    if (known !== undefined) return known;
    const input = findPassing(wiring, id, slot);
    passing.set(key, input);
    return input;
  };

  const wiring: Wiring = {
    ids: Object.keys(graph),
    node,
    inputs: (id) => Object.keys(node(id)?.inputs ?? {}),
    link,
    literal(at) {
      let place = at;
      for (let passed = 0; passed <= MOST_PASSED; passed++) {
        const value = valueAt(place);
        if (isScalar(value)) return { at, place, value };
        const from = link(place);
        const input = from && passingOf(from.node, from.slot);
        if (!from || input === null) return null;
        place = { node: from.node, input };
      }
      return null;
    },
    users: (id) => users.get(id) ?? [],
    held: (id) => findHeld(wiring, id),
    isKnown: (id) => classOf(id) !== undefined,
    spec({ node: id, input }) {
      const known = classOf(id);
      return known && inputNamed(known, node(id)?.inputs ?? {}, input)?.spec;
    },
    outputs: (id) => outputsOf(classOf(id)),
    displayName: (id) => classOf(id)?.displayName ?? node(id)?.class_type ?? '',
  };
  return wiring;
}

function isScalar(value: Json | undefined): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

export function keyOf({ node, input, path = [] }: Place): string {
  return JSON.stringify([node, input, ...path]);
}
