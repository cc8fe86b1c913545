import { isObject } from '../../core/objects.ts';
import { type Conversion, placeKey, type Scope } from './scope.ts';
import type { Subgraphs } from './subgraphs.ts';
import type { EditorNode } from './workflow-file.ts';
import type { Written } from './write-graph.ts';

/** What the author of a workflow chose in the editor's App mode, in that order, in terms of the graph. */
export interface AppMode {
  /** `name` is the widget's; `title` is what the author called it. One value may go to several inputs. */
  inputs: { name: string; title: string | null; targets: Target[] }[];
  /** Ids of nodes of the graph. */
  outputs: string[];
}

interface Target {
  node: string;
  input: string;
}

const MOST_CHOSEN = 200;

/** Null: the author chose nothing. What is not in the graph is left out, with a note. */
export function readAppMode(conversion: Conversion, subgraphs: Subgraphs, written: Written): AppMode | null {
  const { linearData } = conversion.file.extra;
  if (!isObject(linearData)) return null;
  const scopes = scopesIn(subgraphs.root);
  const app: AppMode = { inputs: [], outputs: [] };
  for (const entry of listOf(linearData.inputs)) {
    const [id, widget] = Array.isArray(entry) ? (entry as unknown[]) : [];
    const found = chosen(scopes, String(id));
    const name = typeof widget === 'string' ? widget : (found?.widget ?? '');
    const targets = found ? targetsOf(conversion, written, found.scope, found.node, name) : [];
    if (found && targets.length > 0) app.inputs.push({ name, title: labelOf(conversion, found.node, name), targets });
    else
      conversion.note(`App mode: its input ${name.slice(0, 80)} of node ${id} is no value of the graph, and left out.`);
  }
  for (const id of listOf(linearData.outputs)) {
    const found = chosen(scopes, String(id));
    const node = found && `${found.scope.prefix}${found.node.id}`;
    if (node && written.nodes.has(node)) app.outputs.push(node);
    else conversion.note(`App mode: its output ${id} is no node of the graph, and left out.`);
  }
  return app.inputs.length + app.outputs.length > 0 ? app : null;
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? (value as unknown[]).slice(0, MOST_CHOSEN) : [];
}

function scopesIn(scope: Scope): Scope[] {
  return [scope, ...[...scope.inner.values()].flatMap((inner) => (inner ? scopesIn(inner) : []))];
}

/**
 * The node that is meant: of the workflow, or the only one with that id in an instance, which is how older editors name
 * it. Newer ones put the id of its graph before, and may put the widget's name after.
 */
function chosen(scopes: Scope[], text: string): { scope: Scope; node: EditorNode; widget: string } | null {
  const [root] = scopes;
  const own = root?.graph.nodes.get(text);
  if (root && own) return { scope: root, node: own, widget: '' };
  const [graph = '', id = '', ...rest] = text.split(':');
  const within = scopes.filter((scope) => scope.graph.id === graph && scope.graph.nodes.has(id));
  const found = within.length > 0 ? within : scopes.filter((scope) => scope.graph.nodes.has(text));
  const [scope] = found;
  const node = scope?.graph.nodes.get(within.length > 0 ? id : text);
  return found.length === 1 && scope && node ? { scope, node, widget: rest.join(':') } : null;
}

/** All inputs of the graph that have the value of a widget. */
function targetsOf(conversion: Conversion, written: Written, scope: Scope, node: EditorNode, widget: string): Target[] {
  if (conversion.virtualKind(node) === 'primitive') {
    const links = [...scope.graph.links.values()].filter(({ originId }) => originId === node.id);
    return links.flatMap((link) => {
      const target = scope.graph.nodes.get(link.targetId);
      const input = target?.inputs.find((each) => each.link === link.id);
      if (!target || !input || conversion.virtualKind(target) !== null) return [];
      return targetsOf(conversion, written, scope, target, input.widget ?? input.name);
    });
  }
  const definition = conversion.definitionOf(node);
  if (definition) {
    const inner = scope.inner.get(node.id);
    if (!inner) return [];
    const passed = written.targets.get(placeKey(inner.prefix, widget));
    if (passed) return passed;
    const shown = inner.shown.get(widget);
    const target = shown && inner.graph.nodes.get(shown.node);
    return target ? targetsOf(conversion, written, inner, target, shown.widget) : [];
  }
  const id = `${scope.prefix}${node.id}`;
  const inputs = written.nodes.get(id)?.inputs;
  if (!inputs || !Object.hasOwn(inputs, widget) || Array.isArray(inputs[widget])) return [];
  // A value that an instance has for several widgets is that of all of them.
  const shared = [...written.targets.values()].find((all) =>
    all.some((target) => target.node === id && target.input === widget),
  );
  return shared ?? [{ node: id, input: widget }];
}

function labelOf(conversion: Conversion, node: EditorNode, widget: string): string | null {
  const own = node.inputs.find((input) => (input.widget ?? input.name) === widget)?.label;
  const input = conversion.definitionOf(node)?.inputs.find(({ name }) => name === widget);
  return own ?? input?.label ?? null;
}
