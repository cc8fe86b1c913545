import type { NodeDefinitionsDirectory } from '../backends/node-definitions.ts';
import type { NodeDefinitions } from '../core/node-definitions.ts';
import { isObject } from '../core/objects.ts';
import { readStockNodeDefinitions } from '../workflows/stock-node-definitions.ts';

/** The classes by which what ComfyUI's editor saves becomes a graph. Never rejects on account of Redis. */
export type EditorClasses = (file: unknown) => Promise<NodeDefinitions>;

/**
 * Those of the server that knows most classes of the file, of equals one that is reached; those of a stock ComfyUI
 * where no worker has reported what the editor is told of them.
 */
export function createEditorClasses(nodeDefinitions: Pick<NodeDefinitionsDirectory, 'tryRead'>): EditorClasses {
  let stock: Promise<NodeDefinitions> | null = null;
  return async (file) => {
    const seen = (await nodeDefinitions.tryRead()) ?? [];
    const types = typesIn(file);
    const [best] = seen
      .flatMap(({ status, nodeDefinitions }) => {
        const known = types.filter((type) => nodeDefinitions?.get(type)?.ordered).length;
        return nodeDefinitions && known > 0 ? [{ nodeDefinitions, known, isDown: status === 'DOWN' }] : [];
      })
      .sort((a, b) => b.known - a.known || Number(a.isDown) - Number(b.isDown));
    if (best) return best.nodeDefinitions;
    stock ??= readStockNodeDefinitions();
    return stock;
  };
}

/** The classes of its nodes and of those in its subgraphs, each once. */
function typesIn(file: unknown): string[] {
  const { definitions } = isObject(file) ? file : {};
  const subgraphs = isObject(definitions) && Array.isArray(definitions.subgraphs) ? definitions.subgraphs : [];
  const nodes = [file, ...subgraphs].flatMap((graph): unknown[] =>
    isObject(graph) && Array.isArray(graph.nodes) ? graph.nodes : [],
  );
  const types = nodes.flatMap((node) => (isObject(node) && typeof node.type === 'string' ? [node.type] : []));
  return [...new Set(types)];
}
