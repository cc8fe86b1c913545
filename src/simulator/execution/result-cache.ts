import { sha256 } from '../files.ts';
import type { ObjectInfo } from '../object-info.ts';
import { type Graph, isLink } from '../protocol/graph.ts';
import { toJson } from '../protocol/json.ts';
import type { NodeMeta, UiOutput } from './prompt-queue.ts';

/** What a node gave: a list of values for every output, and what it showed. */
export interface NodeResult {
  outputs: unknown[][];
  ui?: { output: UiOutput; meta: NodeMeta };
}

/**
 * Results of nodes, kept for as long as each prompt that follows uses them. The key is class, literal inputs (unknown
 * ones too), fingerprint and the same of all ancestors, not the node id, unless the class asks for its id.
 */
export interface ResultCache {
  /** Drops what this prompt does not use. To be called when a prompt starts. */
  begin(graph: Graph): void;
  get(id: string): NodeResult | undefined;
  set(id: string, result: NodeResult): void;
  clear(): void;
}

/** @param fingerprint the changing part of a node's key: a file's content hash, or something new every time. */
export function createResultCache(
  objectInfo: ObjectInfo,
  fingerprint: (classType: string, inputs: Record<string, unknown>) => string | undefined,
): ResultCache {
  let kept = new Map<string, NodeResult>();
  let keys = new Map<string, string>();

  function keysOf(graph: Graph): Map<string, string> {
    const found = new Map<string, string>();
    const keyOf = (id: string, path: readonly string[]): string => {
      const known = found.get(id);
      if (known !== undefined) return known;
      const node = graph[id];
      if (!node || path.includes(id)) return `?${id}`;
      const inputs = Object.entries(node.inputs ?? {})
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, value]) => [name, isLink(value) ? ['<-', keyOf(value[0], [...path, id]), value[1]] : [value]]);
      const wantsId = Object.values(objectInfo.get(node.class_type)?.input.hidden ?? {}).some((type) =>
        String(type).includes('UNIQUE_ID'),
      );
      const parts = [node.class_type, fingerprint(node.class_type, node.inputs ?? {}), wantsId ? id : '', inputs];
      const key = sha256(toJson(parts));
      found.set(id, key);
      return key;
    };
    for (const id of Object.keys(graph)) keyOf(id, []);
    return found;
  }

  return {
    begin(graph) {
      keys = keysOf(graph);
      const used = new Map<string, NodeResult>();
      for (const key of keys.values()) {
        const result = kept.get(key);
        if (result) used.set(key, result);
      }
      kept = used;
    },
    get: (id) => kept.get(keys.get(id) ?? ''),
    set(id, result) {
      const key = keys.get(id);
      if (key !== undefined) kept.set(key, result);
    },
    clear: () => kept.clear(),
  };
}
