import type { Json } from '../../core/job.ts';
import type { NodeClass, NodeDefinitions } from '../../core/node-definitions.ts';
import { type NodeValues, readNodeValues } from './node-values.ts';
import { type VirtualKind, virtualKind } from './virtual-nodes.ts';
import type { EditorGraph, EditorNode, WorkflowFile } from './workflow-file.ts';

/** One use of a graph: the whole workflow, or an instance of a subgraph. */
export interface Scope {
  graph: EditorGraph;
  /** What stands before the ids of its nodes: those of the instances around it, each with a colon. */
  prefix: string;
  outer: { scope: Scope; instance: EditorNode } | null;
  depth: number;
  /** Values of its inputs that nothing is linked to, by their names. */
  inputValues: Map<string, Json>;
  /** Values that the instance gives to widgets inside, by `placeKey`. They are written as they are. */
  given: Map<string, Json>;
  /** Values that PrimitiveNodes put into widgets, by `placeKey`. */
  replaced: Map<string, Json>;
  /** For instances inside: values of what is deeper within them. */
  deeper: Map<string, ProxyValue[]>;
  /** The widgets inside that the instance shows, by their names there. */
  shown: Map<string, { node: string; widget: string }>;
  inner: Map<string, Scope | null>;
}

/** A value for a widget of a node inside an instance; `node` is null where only the widget's name is known. */
export interface ProxyValue {
  node: string | null;
  widget: string;
  value: Json | undefined;
}

/** What all parts of a conversion share. */
export interface Conversion {
  file: WorkflowFile;
  nodeDefinitions: NodeDefinitions;
  /** Adds a fault: the workflow cannot be converted. The same one counts once. */
  fault(sentence: string): void;
  note(sentence: string): void;
  /** Counts steps along links. True, and a fault, once there are far more than any workflow has. */
  isSpent(steps: number): boolean;
  /** The node that a text in a file name means: by its name for that, else by its title. */
  nodeNamed(name: string): EditorNode | undefined;
  virtualKind(node: EditorNode): VirtualKind | null;
  /** The definition of the subgraph that a node is an instance of. */
  definitionOf(node: EditorNode): EditorGraph | undefined;
  classOf(node: EditorNode): NodeClass | undefined;
  /** Null: its class is not known. Read once for each node. */
  valuesOf(node: EditorNode): NodeValues | null;
}

/** Ten thousand links through chains of a hundred reroutes. They take about a second. */
const MOST_STEPS = 1_000_000;
/** Sentences shown of each kind; a broken file may have one for each of its nodes. */
const MOST_SENTENCES = 50;

export function createConversion(
  file: WorkflowFile,
  nodeDefinitions: NodeDefinitions,
): { conversion: Conversion; faults: Set<string>; notes: Set<string> } {
  const faults = new Set<string>();
  const notes = new Set<string>();
  const read = new Map<EditorNode, NodeValues | null>();
  const add = (to: Set<string>) => (sentence: string) => {
    if (to.size < MOST_SENTENCES) to.add(sentence);
  };
  let steps = 0;
  let named: ReadonlyMap<string, EditorNode> | undefined;
  const classOf = (node: EditorNode) => nodeDefinitions.get(node.type);
  const conversion: Conversion = {
    file,
    nodeDefinitions,
    fault: add(faults),
    note: add(notes),
    isSpent(more) {
      steps += more;
      if (steps > MOST_STEPS) conversion.fault(`Its links are more than ${MOST_STEPS} steps long together.`);
      return steps > MOST_STEPS;
    },
    nodeNamed(name) {
      named ??= namesOf(file);
      return named.get(name);
    },
    virtualKind: (node) => virtualKind(node.type, nodeDefinitions),
    definitionOf: (node) => file.subgraphs.get(node.type),
    classOf,
    valuesOf(node) {
      const before = read.get(node);
      if (before !== undefined) return before;
      const known = classOf(node);
      const values = known ? readNodeValues(node.type, known, node) : null;
      read.set(node, values);
      return values;
    },
  };
  return { conversion, faults, notes };
}

function namesOf({ root, subgraphs }: WorkflowFile): Map<string, EditorNode> {
  const nodes = [root, ...subgraphs.values()].flatMap(({ nodes }) => [...nodes.values()]).reverse();
  // The last one set stays: the first in the file, and names before titles.
  return new Map([
    ...nodes.flatMap((node): [string, EditorNode][] => (node.title ? [[node.title, node]] : [])),
    ...nodes.map((node): [string, EditorNode] => [String(node.properties['Node name for S&R']), node]),
  ]);
}

/** Names a widget or an input of a node of a scope. */
export function placeKey(node: string, widget: string): string {
  return JSON.stringify([node, widget]);
}

/** As people find it: `Node 51:3 (KSampler)`. */
export function nameOf(scope: Scope, { id, type }: EditorNode): string {
  return `Node ${scope.prefix}${id} (${type.slice(0, 80)})`;
}

/** The value of a widget inside a scope that nothing is linked to. */
export function widgetValue(conversion: Conversion, scope: Scope, node: EditorNode, widget: string): Json | undefined {
  const key = placeKey(node.id, widget);
  if (scope.given.has(key)) return scope.given.get(key);
  if (scope.replaced.has(key)) return scope.replaced.get(key);
  return conversion.valuesOf(node)?.widgets.get(widget)?.value;
}
