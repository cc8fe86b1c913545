import type { ObjectInfo } from '../object-info.ts';
import { type Graph, linksOf } from '../protocol/graph.ts';

/** The nodes of a prompt that still have to run, one by one in ComfyUI's order. */
export interface ExecutionList {
  /** The next node to run; undefined when all are done. */
  next(): string | undefined;
  complete(id: string): void;
}

/**
 * Output nodes first when they are ready, then nodes that feed outputs, then those two steps away, else the first that
 * is ready. Nodes with a cached result are not needed again.
 */
export function createExecutionList(
  graph: Graph,
  outputs: readonly string[],
  isCached: (id: string) => boolean,
  objectInfo: ObjectInfo,
): ExecutionList {
  /** Pending node -> the nodes that wait for it. Insertion order is the order of equals. */
  const waiters = new Map<string, Set<string>>();
  const blockers = new Map<string, number>();

  const add = (first: string): void => {
    const stack = [first];
    for (let id = stack.pop(); id !== undefined; id = stack.pop()) {
      if (waiters.has(id)) continue;
      waiters.set(id, new Set());
      blockers.set(id, blockers.get(id) ?? 0);
      const needed = linksOf(graph[id]).filter(({ from }) => graph[from] && !isCached(from));
      stack.push(...needed.map(({ from }) => from));
    }
  };
  for (const output of outputs) add(output);
  for (const id of waiters.keys()) {
    for (const { from } of linksOf(graph[id])) {
      const waiting = waiters.get(from);
      if (!waiting || waiting.has(id)) continue;
      waiting.add(id);
      blockers.set(id, (blockers.get(id) ?? 0) + 1);
    }
  }

  const isOutput = (id: string): boolean => objectInfo.get(graph[id]?.class_type ?? '')?.output_node ?? false;
  const feedsOutput = (id: string): boolean => [...(waiters.get(id) ?? [])].some(isOutput);
  const feedsFeeder = (id: string): boolean => [...(waiters.get(id) ?? [])].some(feedsOutput);

  return {
    next() {
      const ready = [...waiters.keys()].filter((id) => blockers.get(id) === 0);
      return ready.find(isOutput) ?? ready.find(feedsOutput) ?? ready.find(feedsFeeder) ?? ready[0];
    },
    complete(id) {
      for (const waiting of waiters.get(id) ?? []) blockers.set(waiting, (blockers.get(waiting) ?? 1) - 1);
      waiters.delete(id);
    },
  };
}
