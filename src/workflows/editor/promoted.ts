import type { Json } from '../../core/job.ts';
import { fits } from './node-values.ts';
import type { Conversion } from './scope.ts';
import { type EditorGraph, type EditorNode, SUBGRAPH_INPUT } from './workflow-file.ts';

/** What an input of a subgraph is a value of: a widget inside, or an input of an instance inside. */
export type Promoted = { node: EditorNode; widget: string } | { node: EditorNode; index: number };

export interface Promotions {
  /** For each input of a subgraph; null where it is none of a value. */
  of(graph: EditorGraph): readonly (Promoted | null)[];
  /** Whether a value is one that it can have. */
  fits(promoted: Promoted, value: Json | undefined): boolean;
}

/** Found once for each definition. Which inputs are promoted depends on the classes: only widgets are. */
export function createPromotions(conversion: Conversion): Promotions {
  const found = new Map<EditorGraph, readonly (Promoted | null)[]>();

  function of(graph: EditorGraph): readonly (Promoted | null)[] {
    const before = found.get(graph);
    if (before) return before;
    // What contains itself promotes nothing of itself.
    found.set(graph, []);
    const links = [...graph.links.values()].filter(({ originId }) => originId === SUBGRAPH_INPUT);
    const promoted = graph.inputs.map((input, index) => {
      const own = links.filter(({ originSlot }) => originSlot === index).map(({ id }) => id);
      for (const id of new Set([...input.links, ...own])) {
        const it = targetOf(graph, id);
        if (it) return it;
      }
      return null;
    });
    found.set(graph, promoted);
    return promoted;
  }

  function targetOf({ links, nodes }: EditorGraph, id: string): Promoted | null {
    const link = links.get(id);
    const node = link && nodes.get(link.targetId);
    const input = node?.inputs.find((each) => each.link === id) ?? node?.inputs[link?.targetSlot ?? -1];
    if (!node || !input) return null;
    const widget = input.widget ?? input.name;
    const definition = conversion.definitionOf(node);
    if (!definition) {
      const values = conversion.valuesOf(node);
      return values?.widgets.has(widget) || (!values && input.widget !== null) ? { node, widget } : null;
    }
    const index = definition.inputs.findIndex(({ name }) => name === input.name);
    return of(definition)[index] ? { node, index } : null;
  }

  function fitsIt(promoted: Promoted, value: Json | undefined): boolean {
    if (value === undefined) return false;
    if ('widget' in promoted) {
      const spec = conversion.valuesOf(promoted.node)?.widgets.get(promoted.widget)?.spec;
      return !spec || fits({ kind: 'widget', name: promoted.widget, spec }, value);
    }
    const definition = conversion.definitionOf(promoted.node);
    const inner = definition && of(definition)[promoted.index];
    return !inner || fitsIt(inner, value);
  }

  return { of, fits: fitsIt };
}
