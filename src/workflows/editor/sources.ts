import type { Json } from '../../core/job.ts';
import { passThrough } from './bypass.ts';
import { type Conversion, nameOf, type Scope } from './scope.ts';
import type { Subgraphs } from './subgraphs.ts';
import { isSetter } from './virtual-nodes.ts';
import { BYPASSED, type EditorNode, MUTED, SUBGRAPH_INPUT } from './workflow-file.ts';

export type Source =
  | { kind: 'output'; node: string; slot: number }
  /** What an instance has for one of its inputs: `scope` is the instance's inside. */
  | { kind: 'value'; value: Json; scope: Scope; input: string }
  /** The link leads to nothing. */
  | { kind: 'nothing' };

const NOTHING: Source = { kind: 'nothing' };

/** A place from which to go on: a link of a graph. */
interface Step {
  scope: Scope;
  link: string;
}

/**
 * Follows a link back through reroutes, names, subgraphs and what is bypassed, to the output of a node that runs.
 * `wanted` is the type of the input that it began at. Whatever goes in a circle is a fault.
 */
export function sourceOf(conversion: Conversion, subgraphs: Subgraphs, from: Step, user: EditorNode, wanted: string) {
  const fail = (why: string): Source => {
    conversion.fault(`${nameOf(from.scope, user)}: ${why}; open the workflow in ComfyUI, mend the link and save it.`);
    return NOTHING;
  };
  const passed = new Set<string>();
  let step: Step | Source = from;
  while ('link' in step) {
    const { scope, link: id }: Step = step;
    if (conversion.isSpent(1)) return NOTHING;
    const key = `${scope.prefix}|${id}`;
    if (passed.has(key)) return fail(`link ${from.link} goes in a circle that no node with a value is in`);
    passed.add(key);
    const link = scope.graph.links.get(id);
    if (!link) return fail(`link ${id} is not in the file`);
    if (link.originId === SUBGRAPH_INPUT && scope.outer) {
      step = fromOutside(subgraphs, scope, link.originSlot);
      continue;
    }
    const origin = scope.graph.nodes.get(link.originId);
    if (!origin) return fail(`link ${id} comes from node ${scope.prefix}${link.originId}, which is not in the file`);
    step = fromNode(conversion, subgraphs, scope, origin, link.originSlot, wanted);
  }
  return step;
}

function fromOutside(subgraphs: Subgraphs, scope: Scope, index: number): Step | Source {
  const name = scope.graph.inputs[index]?.name;
  const outer = scope.outer;
  if (name === undefined || !outer) return NOTHING;
  const link = outer.instance.inputs.find((input) => input.name === name)?.link ?? null;
  if (link !== null) return { scope: outer.scope, link };
  const value = subgraphs.inputValue(scope, index);
  return value === undefined ? NOTHING : { kind: 'value', value, scope, input: name };
}

function fromNode(
  conversion: Conversion,
  subgraphs: Subgraphs,
  scope: Scope,
  origin: EditorNode,
  slot: number,
  wanted: string,
): Step | Source {
  const goOn = (link: string | null | undefined) => (link == null ? NOTHING : { scope, link });
  const virtual = conversion.virtualKind(origin);
  // It has put its value into the widget already.
  if (virtual === 'primitive' || origin.mode === MUTED) return NOTHING;
  if (virtual === 'get') return fromSetter(conversion, scope, origin);
  if (virtual !== null) return goOn(origin.inputs[slot]?.link);
  if (origin.mode === BYPASSED) return goOn(passThrough(conversion, origin, slot, wanted));
  const definition = conversion.definitionOf(origin);
  if (!definition) return { kind: 'output', node: `${scope.prefix}${origin.id}`, slot };
  const inner = subgraphs.open(scope, origin);
  const link = definition.outputs[slot]?.links[0];
  return inner && link !== undefined ? { scope: inner, link } : NOTHING;
}

/** The setter of the name that a getter has, in its own graph or in one around it. Its mode does not matter. */
function fromSetter(conversion: Conversion, scope: Scope, getter: EditorNode): Step | Source {
  const name = nameSet(getter);
  for (let at: Scope | undefined = scope; at; at = at.outer?.scope) {
    if (conversion.isSpent(at.graph.nodes.size)) return NOTHING;
    const setter = [...at.graph.nodes.values()].find(
      (node) => isSetter(node.type) && conversion.virtualKind(node) === 'pass' && nameSet(node) === name,
    );
    const link = setter?.inputs[0]?.link ?? null;
    if (setter) return link === null ? NOTHING : { scope: at, link };
  }
  return NOTHING;
}

function nameSet({ values }: EditorNode): unknown {
  return Array.isArray(values) ? values[0] : undefined;
}
