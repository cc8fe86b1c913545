import { randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import * as z from 'zod';

/** The picture that a job makes. */
export const pictureSchema = z.object({
  /** Width and height. */
  pixels: z.int(),
  /** Null: a plain one, which needs no model, so that any ComfyUI makes it, in a moment. */
  steps: z.int().nullable(),
});

export type Picture = z.infer<typeof pictureSchema>;

const graphSchema = z.record(z.string(), z.object({ inputs: z.record(z.string(), z.unknown()) }).loose());

/** Another graph at each call, since ComfyUI runs none twice. */
export function plainGraph({ pixels }: Picture) {
  const inputs = { width: pixels, height: pixels, batch_size: 1, color: randomInt(2 ** 24) };
  return {
    1: { class_type: 'EmptyImage', inputs },
    2: { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'bench' } },
  };
}

/** Makes the graph of one job after the other, as a driver of ComfyUI posts them. */
export async function openGraphs(picture: Picture): Promise<() => object> {
  const { pixels, steps } = picture;
  if (steps === null) return () => plainGraph(picture);
  const file = await readFile(new URL('../../workflows/textToImage/graph.json', import.meta.url), 'utf8');
  const template = graphSchema.parse(JSON.parse(file));
  return () => {
    const graph = structuredClone(template);
    Object.assign(graph[3]?.inputs ?? {}, { seed: randomInt(2 ** 47), steps });
    Object.assign(graph[5]?.inputs ?? {}, { width: pixels, height: pixels });
    return graph;
  };
}

/** The same as `GenerateInput.workflow`. */
export function workflowOf(picture: Picture): object {
  const { pixels, steps } = picture;
  if (steps === null) return { custom: { graph: plainGraph(picture) } };
  const size = { width: pixels, height: pixels };
  return { textToImage: { prompt: 'a lighthouse at dusk', ...size, steps, seed: randomInt(2 ** 47) } };
}
