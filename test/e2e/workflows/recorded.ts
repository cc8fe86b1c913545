import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import * as z from 'zod';
import { type Graph, graphSchema } from '../../../src/core/graph.ts';

async function read<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  return schema.parse(JSON.parse(await readFile(new URL(`../../comfyui/recorded/${path}`, import.meta.url), 'utf8')));
}

/** A graph as it was played to a real ComfyUI; those that lack something it must have come as they are. */
export const readGraph = (name: string): Promise<Graph> => read(`workflows/${name}.json`, graphSchema);
export const readAny = (name: string): Promise<unknown> => read(`workflows/${name}.json`, z.unknown());

const fileSchema = z.object({ filename: z.string(), type: z.string() });
const traceSchema = z.object({
  runs: z.tuple(
    [
      z.object({
        history_entry: z.object({ outputs: z.record(z.string(), z.record(z.string(), z.array(z.unknown()))) }),
        ws_messages: z.array(z.looseObject({})),
      }),
    ],
    z.unknown(),
  ),
});

/** What the real ComfyUI reported of a graph, in the order of its nodes. */
export interface Reported {
  /** Node and file ending of each result. What is only said is text, and what is only sent is a PNG. */
  results: string[];
  texts: string[];
}

/** `named`: nodes whose temporary files are results as well; null: none, and the final ones of all nodes are. */
export async function readReported(name: string, graph: Graph, named: string[] | null): Promise<Reported> {
  const { runs } = await read(`traces/${name}.json`, traceSchema);
  const { history_entry: entry, ws_messages: messages } = runs[0];
  const texts: string[] = [];
  const results = Object.keys(graph).flatMap((node) => {
    if (named && !named.includes(node)) return [];
    if (graph[node]?.class_type === 'SaveImageWebsocket') {
      return messages.filter(({ image_format }) => image_format === 2).map(() => `${node} .png`);
    }
    const values = Object.entries(entry.outputs[node] ?? {}).filter(([key]) => key !== 'animated');
    const files = values
      .flatMap(([, items]) => items)
      .flatMap((item) => fileSchema.safeParse(item).data ?? [])
      .filter(({ type }) => type === 'output' || (named && type === 'temp'))
      .map(({ filename }) => `${node} ${extname(filename)}`);
    const said = values.filter(([key]) => key === 'text').flatMap(([, items]) => z.array(z.string()).parse(items));
    texts.push(...said);
    // What SaveText says stands in its file.
    return files.length > 0 ? files : said.map(() => `${node} .txt`);
  });
  return { results, texts };
}
