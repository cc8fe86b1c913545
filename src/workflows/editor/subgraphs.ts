import type { Json } from '../../core/job.ts';
import { graphLimits } from '../bounded-copy.ts';
import { putPrimitives } from './primitives.ts';
import { createPromotions, type Promotions } from './promoted.ts';
import { type Conversion, nameOf, type ProxyValue, placeKey, type Scope, widgetValue } from './scope.ts';
import { type EditorGraph, type EditorNode, SUBGRAPH_INPUT } from './workflow-file.ts';

/** How deep instances may be in instances. Files of people have three levels at most. */
const MOST_DEEP = 32;

export interface Subgraphs {
  root: Scope;
  /** The scope of an instance; null where it cannot be opened, which is a fault. */
  open(scope: Scope, instance: EditorNode): Scope | null;
  /** The value of an input of an instance that nothing is linked to; undefined where it has none. */
  inputValue(scope: Scope, index: number): Json | undefined;
}

export function createSubgraphs(conversion: Conversion): Subgraphs {
  const promotions = createPromotions(conversion);
  const root = scopeOf(conversion.file.root, null);
  putPrimitives(conversion, root, new Map());
  let opened = 0;

  function open(scope: Scope, instance: EditorNode): Scope | null {
    const known = scope.inner.get(instance.id);
    if (known !== undefined) return known;
    const graph = conversion.definitionOf(instance);
    const inner = graph && isAllowed(scope, instance) ? enter(scope, instance, graph) : null;
    scope.inner.set(instance.id, inner);
    return inner;
  }

  /** Counted, since a few definitions that use each other twice make millions of nodes. */
  function isAllowed(scope: Scope, instance: EditorNode): boolean {
    opened += 1;
    if (scope.depth < MOST_DEEP && opened <= graphLimits.nodes) return true;
    conversion.fault(
      `${nameOf(scope, instance)}: its subgraphs are more than ${graphLimits.nodes}, or nested over ${MOST_DEEP} deep.`,
    );
    return false;
  }

  function enter(scope: Scope, instance: EditorNode, graph: EditorGraph): Scope {
    const inner = scopeOf(graph, { scope, instance });
    putValues(promotions, inner, instance);
    const primitives = new Map<string, Json>();
    const proxies = [...proxiesOf(instance), ...(scope.deeper.get(instance.id) ?? [])];
    for (const proxy of proxies) putProxy(conversion, inner, proxy, primitives);
    for (const { name } of graph.inputs) {
      const value = scope.given.get(placeKey(instance.id, name)) ?? scope.replaced.get(placeKey(instance.id, name));
      if (value !== undefined) inner.inputValues.set(name, value);
    }
    putPrimitives(conversion, inner, primitives);
    return inner;
  }

  function inputValue(scope: Scope, index: number): Json | undefined {
    const input = scope.graph.inputs[index];
    if (!input) return undefined;
    const own = scope.inputValues.get(input.name);
    if (own !== undefined) return own;
    const promoted = promotions.of(scope.graph)[index];
    if (!promoted) return undefined;
    if ('widget' in promoted) return widgetValue(conversion, scope, promoted.node, promoted.widget);
    const inner = open(scope, promoted.node);
    return inner ? inputValue(inner, promoted.index) : undefined;
  }

  return { root, open, inputValue };
}

function scopeOf(graph: EditorGraph, outer: Scope['outer']): Scope {
  return {
    graph,
    prefix: outer ? `${outer.scope.prefix}${outer.instance.id}:` : '',
    outer,
    depth: outer ? outer.scope.depth + 1 : 0,
    inputValues: new Map(),
    given: new Map(),
    replaced: new Map(),
    deeper: new Map(),
    shown: new Map(),
    inner: new Map(),
  };
}

/** The instance's own list of values: one for each of its inputs that is a widget inside. */
function putValues(promotions: Promotions, scope: Scope, instance: EditorNode): void {
  const values = Array.isArray(instance.values) ? (instance.values as Json[]) : [];
  const promoted = promotions.of(scope.graph).flatMap((it, index) => {
    const name = scope.graph.inputs[index]?.name;
    return it && name !== undefined ? [{ name, it }] : [];
  });
  const isUsable = values.length === promoted.length && promoted.every(({ it }, at) => promotions.fits(it, values[at]));
  const isByName = instance.namedValues.size > 0 && !isUsable && !hasProxies(instance);
  promoted.forEach(({ name }, at) => {
    const value = isByName ? instance.namedValues.get(name) : values[at];
    if (value !== undefined) scope.inputValues.set(name, value);
  });
}

function hasProxies({ properties: { proxyWidgets } }: EditorNode): boolean {
  return Array.isArray(proxyWidgets) && proxyWidgets.length > 0;
}

/** The list of older editors: which widgets inside an instance shows, in the order of its values. */
function proxiesOf({ properties: { proxyWidgets }, values }: EditorNode): ProxyValue[] {
  if (!Array.isArray(proxyWidgets)) return [];
  const given = Array.isArray(values) ? (values as Json[]) : [];
  return proxyWidgets.flatMap((entry, at): ProxyValue[] => {
    if (!Array.isArray(entry)) return [];
    const [node, widget] = entry as unknown[];
    return typeof widget === 'string' ? [{ node: String(node), widget, value: given[at] }] : [];
  });
}

/** Where in the instance the value goes; what is not there (any more) is passed over. */
function putProxy(
  conversion: Conversion,
  scope: Scope,
  { node: id, widget, value }: ProxyValue,
  primitives: Map<string, Json>,
): void {
  // Those that begin with $$ are pictures.
  if (widget.startsWith('$$')) return;
  const isGiven = value !== undefined && value !== null;
  const { inputs, nodes, links } = scope.graph;
  if (id === null || id === '-1') {
    const seen = scope.shown.get(widget);
    if (isGiven && inputs.some(({ name }) => name === widget)) scope.inputValues.set(widget, value);
    else if (seen) putProxy(conversion, scope, { ...seen, value }, primitives);
    return;
  }
  const node = nodes.get(id);
  if (!node) return;
  const [, deep, rest] = /^(\d+): (.*)$/s.exec(widget) ?? [];
  scope.shown.set(widget, { node: id, widget });
  if (conversion.virtualKind(node) === 'primitive') {
    if (isGiven) primitives.set(id, value);
    return;
  }
  const input = node.inputs.find((each) => (each.widget ?? each.name) === widget);
  const link = input?.link === undefined || input.link === null ? undefined : links.get(input.link);
  const outside = link?.originId === SUBGRAPH_INPUT ? inputs[link.originSlot] : undefined;
  if (outside) {
    if (isGiven) scope.inputValues.set(outside.name, value);
    return;
  }
  const definition = conversion.definitionOf(node);
  const isThere = definition
    ? definition.inputs.some(({ name }) => name === widget)
    : conversion.valuesOf(node)?.widgets.has(widget);
  if (isThere) {
    if (isGiven) scope.given.set(placeKey(id, widget), value);
  } else if (definition) {
    const within = { node: deep ?? null, widget: rest ?? widget, value };
    scope.deeper.set(id, [...(scope.deeper.get(id) ?? []), within]);
  } else if (rest !== undefined) {
    putProxy(conversion, scope, { node: id, widget: rest, value }, primitives);
  }
}
