import * as z from 'zod';
import type { Graph } from '../../src/core/graph.ts';
import type { Json } from '../../src/core/job.ts';
import type { FileReference } from './client.ts';
import type { HistoryEntry } from './history.ts';

/** A result of a prompt: a file that the server holds, or a text that stands in the history itself. */
export type PromptOutput = { node: string; file: FileReference } | { node: string; text: string };

const fileSchema = z.object({
  filename: z.string().min(1),
  subfolder: z.string().nullish(),
  type: z.string(),
});

/**
 * All final results of a prompt, by node in the order of the graph, then by place in the node's answer. Whatever key they stand
 * under, objects with a file name and the type `output` are results; `temp` and `input` are not. A node's texts are results
 * only where it wrote no file: SaveText says its text beside the file that holds it.
 */
export function collectOutputs(entry: HistoryEntry, graph: Graph): PromptOutput[] {
  const order = Object.keys(graph);
  const seen = new Set<string>();
  return Object.entries(entry.outputs)
    .map(([key, value]) => ({ node: graphNode(key, graph, entry), value }))
    .sort((a, b) => rank(order, a.node) - rank(order, b.node))
    .flatMap(({ node, value }): PromptOutput[] => {
      const all = filesIn(value);
      const files = all.filter((file) => file.type === 'output' && isNew(seen, file));
      if (all.some((file) => file.type === 'output')) return files.map((file) => ({ node, file }));
      return textsIn(value).map((text) => ({ node, text }));
    });
}

/** Nodes that were made at run time (`2.0.0.1`) stand for one of the submitted graph. */
function graphNode(key: string, graph: Graph, { meta }: HistoryEntry): string {
  if (Object.hasOwn(graph, key)) return key;
  const real = meta[key]?.real_node_id;
  if (real && Object.hasOwn(graph, real)) return real;
  const [owner = key] = key.split('.');
  return Object.hasOwn(graph, owner) ? owner : key;
}

function rank(order: string[], node: string): number {
  const index = order.indexOf(node);
  return index === -1 ? order.length : index;
}

function filesIn(value: Json): FileReference[] {
  if (Array.isArray(value)) return value.flatMap(filesIn);
  if (value === null || typeof value !== 'object') return [];
  const file = fileSchema.safeParse(value);
  if (!file.success) return Object.values(value).flatMap(filesIn);
  return [{ ...file.data, subfolder: file.data.subfolder ?? '' }];
}

/** Two nodes, or two keys of one, may name the same file. */
function isNew(seen: Set<string>, { subfolder, filename }: FileReference): boolean {
  const name = JSON.stringify([subfolder, filename]);
  return !seen.has(name) && seen.add(name) !== undefined;
}

function textsIn(value: Json): string[] {
  if (value === null || typeof value !== 'object' || Array.isArray(value) || !Array.isArray(value.text)) return [];
  const texts = value.text.filter((text) => typeof text === 'string').filter((text) => text !== '');
  // A node that answers a bare string where a list belongs has it taken apart into its characters.
  return texts.length > 1 && texts.every((text) => [...text].length === 1) ? [texts.join('')] : texts;
}
