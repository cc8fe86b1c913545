import { randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type Graph, graphSchema } from '../../../src/core/graph.ts';

/** A graph as it was played to a real ComfyUI when its traffic was recorded. */
export async function recordedGraph(name: string): Promise<Graph> {
  return graphSchema.parse(await recordedJson(name));
}

/** As it is, also where that is no graph. */
export async function recordedJson(name: string): Promise<unknown> {
  return JSON.parse(await readFile(new URL(`../recorded/workflows/${name}.json`, import.meta.url), 'utf8'));
}

/** Blurs in a slow chain at most: each leaves a picture of 12 MiB in ComfyUI's cache. */
export const MOST_BLURS = 120;

/**
 * The recorded slow chain on noise of its own, so that nothing of it is cached; with another number of blurs where that
 * is said.
 */
export async function slowChain(blurs?: number): Promise<Graph> {
  const graph = await recordedGraph('20_slow_chain');
  const { '1': canvas, '2': noise, '3': blur, '20': save } = graph;
  if (!canvas || !noise || !blur || !save) throw new Error('the recorded chain is another');
  const fresh = { ...noise, inputs: { ...noise.inputs, seed: randomInt(2 ** 31) } };
  if (blurs === undefined) return { ...graph, '2': fresh };

  const count = Math.min(MOST_BLURS, blurs);
  const ids = Array.from({ length: count }, (_, n) => `${100 + n}`);
  const chain = ids.map((id, n) => [id, { ...blur, inputs: { ...blur.inputs, image: [ids[n - 1] ?? '2', 0] } }]);
  const last = { ...save, inputs: { ...save.inputs, images: [ids.at(-1) ?? '2', 0] } };
  return { '1': canvas, '2': fresh, ...Object.fromEntries(chain), '20': last };
}
