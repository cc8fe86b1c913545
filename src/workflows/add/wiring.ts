import type { Graph, GraphNode } from '../../core/graph.ts';
import type { Json } from '../../core/job.ts';
import { own } from '../../core/objects.ts';

/** An input of a node, by the node's id and the input's name. */
export interface Place {
  node: string;
  input: string;
}

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

/** The links between the nodes of a graph. */
export interface Wiring {
  node(id: string): GraphNode | undefined;
  /** The node and output that an input is linked to; null where it is not a link. */
  link(at: Place): { node: string; slot: number } | null;
  /**
   * The value that an input has by hand, also where it comes from a node such as PrimitiveInt; null where it is made.
   */
  literal(at: Place): Literal | null;
  /** The inputs that a node's outputs are linked to. */
  users(node: string): (Place & { slot: number })[];
  /** Whether the node only holds one value. */
  holdsValue(node: string): boolean;
}

const VALUE_CLASS = /primitive|constant|^(?:int|float|string|text|seed|bool|number|value)/i;

export function createWiring(graph: Graph): Wiring {
  const node = (id: string): GraphNode | undefined => own(graph, id);
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
      users.set(from.node, [...(users.get(from.node) ?? []), { node: id, input, slot: from.slot }]);
    }
  }

  const onlyInput = (id: string): string | null => {
    const found = node(id);
    const [name, ...others] = Object.keys(found?.inputs ?? {});
    const holds = found && VALUE_CLASS.test(found.class_type) && name !== undefined && others.length === 0;
    return holds && isScalar(valueAt({ node: id, input: name })) ? name : null;
  };

  const literal = (at: Place): Literal | null => {
    const value = valueAt(at);
    if (isScalar(value)) return { at, place: at, value };
    const from = link(at);
    const input = from && onlyInput(from.node);
    if (!from || !input) return null;
    const held = valueAt({ node: from.node, input });
    return isScalar(held) ? { at, place: { node: from.node, input }, value: held } : null;
  };

  return { node, link, literal, users: (id) => users.get(id) ?? [], holdsValue: (id) => onlyInput(id) !== null };
}

function isScalar(value: Json | undefined): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}
