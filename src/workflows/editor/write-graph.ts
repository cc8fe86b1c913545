import type { GraphNode } from '../../core/graph.ts';
import type { Json } from '../../core/job.ts';
import { graphLimits } from '../bounded-copy.ts';
import { typeText } from './bypass.ts';
import { typeOf } from './class-inputs.ts';
import { resolveDynamicPrompt } from './dynamic-prompt.ts';
import { namesFiles, replaceNames } from './file-names.ts';
import type { NodeValues } from './node-values.ts';
import { type Conversion, nameOf, placeKey, type Scope, widgetValue } from './scope.ts';
import { sourceOf } from './sources.ts';
import type { Subgraphs } from './subgraphs.ts';
import { BYPASSED, type EditorInput, type EditorNode, MUTED } from './workflow-file.ts';

export interface Written {
  nodes: Map<string, GraphNode>;
  /** Where the value of an instance's input went, by the instance's prefix and the input's name. */
  targets: Map<string, { node: string; input: string }[]>;
}

/** Writes all nodes that run, of the workflow and of its subgraphs. */
export function writeGraph(conversion: Conversion, subgraphs: Subgraphs): Written {
  const written: Written = { nodes: new Map(), targets: new Map() };
  writeScope(conversion, subgraphs, subgraphs.root, written, true);
  return written;
}

function writeScope(conversion: Conversion, subgraphs: Subgraphs, scope: Scope, written: Written, isOn: boolean): void {
  for (const node of scope.graph.nodes.values()) {
    if (written.nodes.size > graphLimits.nodes) return;
    if (conversion.virtualKind(node) !== null) continue;
    const isNodeOn = node.mode !== MUTED && node.mode !== BYPASSED;
    if (conversion.definitionOf(node)) {
      // As the editor does, which forgets that an instance is switched off where it is inside another.
      if (!isNodeOn && scope.outer === null) continue;
      const inner = subgraphs.open(scope, node);
      if (inner) writeScope(conversion, subgraphs, inner, written, isOn && isNodeOn);
    } else if (isNodeOn) writeNode(conversion, subgraphs, scope, node, written, isOn);
  }
}

function writeNode(
  conversion: Conversion,
  subgraphs: Subgraphs,
  scope: Scope,
  node: EditorNode,
  written: Written,
  isOn: boolean,
): void {
  const known = conversion.classOf(node);
  const values = conversion.valuesOf(node);
  if (!known || !values) return;
  // What makes no result does not run, and is left as the editor leaves it.
  if (!isOn && known.outputNode) return;
  if (values.misfit) {
    const { widget, value } = values.misfit;
    const shown = JSON.stringify(value).slice(0, 40).toWellFormed();
    const what = `its values are those of another version of the class, which make ${widget} ${shown}`;
    conversion.note(`${nameOf(scope, node)}: ${what}; open the workflow in ComfyUI, check them and save it.`);
  }
  const id = `${scope.prefix}${node.id}`;
  const inputs = new Map<string, Json>([...values.extra].map(([name, value]) => [name, literal(value)]));
  for (const widget of values.widgets.keys()) {
    const value = ownValue(conversion, scope, node, widget, values);
    if (value !== undefined) inputs.set(widget, literal(value));
  }
  for (const input of node.inputs) {
    const type = input.link === null ? null : typeWanted(values, input);
    if (input.link === null || type === null) continue;
    const source = sourceOf(conversion, subgraphs, { scope, link: input.link }, node, type);
    if (source.kind === 'nothing') continue;
    if (source.kind === 'output') {
      inputs.set(input.name, [source.node, source.slot]);
      continue;
    }
    inputs.set(input.name, literal(source.value));
    const key = placeKey(source.scope.prefix, source.input);
    written.targets.set(key, [...(written.targets.get(key) ?? []), { node: id, input: input.name }]);
  }
  written.nodes.set(id, {
    class_type: node.type,
    inputs: Object.fromEntries(inputs),
    _meta: { title: node.title || known.displayName || node.type },
  });
}

/** A value as it stands for itself: a bare list would be a link. */
function literal(value: Json): Json {
  return Array.isArray(value) ? { __value__: value } : value;
}

function ownValue(
  conversion: Conversion,
  scope: Scope,
  node: EditorNode,
  widget: string,
  values: NodeValues,
): Json | undefined {
  const value = widgetValue(conversion, scope, node, widget);
  if (typeof value !== 'string' || scope.given.has(placeKey(node.id, widget))) return value;
  const spec = values.widgets.get(widget)?.spec;
  if (namesFiles(node.type, widget)) return replaceNames(conversion, value);
  if (spec?.kind !== 'STRING' || !spec.dynamicPrompts) return value;
  const { text, changes } = resolveDynamicPrompt(value);
  const name = nameOf(scope, node);
  if (changes.includes('comment')) {
    conversion.note(`${name}: what the editor takes for comments, after // and in /* */, is left out of ${widget}.`);
  }
  if (changes.includes('choice')) {
    conversion.note(`${name}: of each {one|another} in ${widget} the first is taken, where the editor takes any.`);
  }
  return text;
}

/** The type that an input of the file takes; null where the class has no such input any more, so that it is dropped. */
function typeWanted({ widgets, sockets, dynamic }: NodeValues, { name, type, widget }: EditorInput): string | null {
  const spec = widgets.get(name)?.spec;
  if (spec) return typeOf(spec);
  const socket = sockets.find((each) => (each.growing ? name.startsWith(`${each.name}.`) : each.name === name));
  if (socket) return socket.type;
  if (widget !== null || dynamic.some((each) => name.startsWith(`${each}.`))) return null;
  return typeText(type);
}
