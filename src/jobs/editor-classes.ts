import { type NodeDefinitionsDirectory, reachedFirst } from '../backends/node-definitions.ts';
import type { NodeDefinitions } from '../core/node-definitions.ts';
import { classesIn, knowingMost } from '../workflows/known-classes.ts';
import { keepStockNodeDefinitions } from '../workflows/stock-node-definitions.ts';

/** The classes by which what ComfyUI's editor saves becomes a graph. Never rejects on account of Redis. */
export type EditorClasses = (file: unknown) => Promise<NodeDefinitions>;

/**
 * Those of the server that knows most classes of the file, of equals one that is reached; those of a stock ComfyUI
 * where no worker has reported what the editor is told of them.
 */
export function createEditorClasses(
  nodeDefinitions: Pick<NodeDefinitionsDirectory, 'tryRead'>,
  stock = keepStockNodeDefinitions(),
): EditorClasses {
  return async (file) => {
    const best = knowingMost(reachedFirst((await nodeDefinitions.tryRead()) ?? []), classesIn(file));
    return best ?? stock();
  };
}
