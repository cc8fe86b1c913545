import type { NodeDefinitions } from '../core/node-definitions.ts';
import { isObject } from '../core/objects.ts';
import { isEditorWorkflow } from './editor/convert.ts';

/**
 * Of several servers' node definitions those that know most of these classes, with all that the editor is told of them;
 * of equals the first. Undefined where none knows any.
 */
export function knowingMost(
  candidates: readonly NodeDefinitions[],
  classNames: readonly string[],
): NodeDefinitions | undefined {
  const [best] = candidates
    .map((nodeDefinitions) => {
      return { nodeDefinitions, known: classNames.filter((name) => nodeDefinitions.get(name)?.ordered).length };
    })
    .filter(({ known }) => known > 0)
    .sort((a, b) => b.known - a.known);
  return best?.nodeDefinitions;
}

/**
 * The classes of a workflow, each once: of a graph in API format, or of what the editor saves, with those in its
 * subgraphs.
 */
export function classesIn(workflow: unknown): string[] {
  const { definitions, ...rest } = isObject(workflow) ? workflow : {};
  const subgraphs = isObject(definitions) && Array.isArray(definitions.subgraphs) ? definitions.subgraphs : [];
  const names = isEditorWorkflow(workflow)
    ? [workflow, ...subgraphs].flatMap((graph): unknown[] =>
        isObject(graph) && Array.isArray(graph.nodes) ? graph.nodes.map((node) => isObject(node) && node.type) : [],
      )
    : Object.values(rest).map((node) => isObject(node) && node.class_type);
  return [...new Set(names.filter((name) => typeof name === 'string'))];
}
