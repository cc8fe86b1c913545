import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nodeCosts } from '../../../src/backends/node-costs.ts';
import type { Graph } from '../../../src/core/graph.ts';
import { largestPicture, nodeLoads, withDeclaredInputs } from '../../../src/core/node-load.ts';
import { createEstimateGpu } from '../../../src/jobs/estimate-gpu.ts';
import { readStockNodeDefinitions } from '../../../src/workflows/stock-node-definitions.ts';

const sampler = (latent: string, inputs = {}) => ({
  class_type: 'KSampler',
  inputs: { latent_image: [latent, 0], steps: 20, ...inputs },
});
const empty = (inputs = {}) => ({
  class_type: 'EmptyLatentImage',
  inputs: { width: 512, height: 256, batch_size: 1, ...inputs },
});
const pixelsAt = (graph: Graph, id: string) => nodeLoads(graph).get(id)?.pixels;

test('a node works on what comes to it: size by number', () => {
  const graph: Graph = {
    d: { class_type: 'VAEDecode', inputs: { samples: ['s', 0], vae: ['m', 2] } },
    s: sampler('e', { model: ['m', 0] }),
    e: empty({ batch_size: 4 }),
    m: { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'a.safetensors' } },
  };
  expect(pixelsAt(graph, 'd')).toBe(512 * 256 * 4);
  expect(nodeLoads(graph).get('s')).toMatchObject({ steps: 20, pixels: 512 * 256 * 4 });
  expect(nodeLoads(graph).get('m')).toMatchObject({ steps: null, pixels: 0 });
  expect(largestPicture(graph)).toBe(512 * 256);
});

test('frames of a film, what is made larger, and numbers that other nodes give', () => {
  const graph: Graph = {
    w: { class_type: 'PrimitiveInt', inputs: { value: 1024 } },
    e: { class_type: 'EmptyHunyuanLatentVideo', inputs: { width: ['w', 0], height: 512, length: 25, batch_size: 2 } },
    u: { class_type: 'LatentUpscaleBy', inputs: { samples: ['e', 0], scale_by: 1.5 } },
    s: sampler('u'),
  };
  expect(pixelsAt(graph, 'e')).toBe(1024 * 512 * 50);
  expect(pixelsAt(graph, 's')).toBe(1024 * 512 * 2.25 * 50);
  expect(largestPicture(graph)).toBe(1024 * 512 * 2.25);
});

test('no graph holds it up, whatever links it has', () => {
  const id = fc.constantFrom('a', 'b', 'c', 'd', '__proto__', 'constructor');
  const huge = fc.constantFrom(1e308, -1e308, 1e200, 0, 1e6);
  const number = fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }), huge);
  const value = fc.oneof(fc.tuple(id, fc.constant(0)), number, fc.string(), fc.constant(null));
  const inputs = ['width', 'height', 'x', 'scale_by', 'batch_size', 'length'];
  const steps = ['steps', 'start_at_step', 'end_at_step', 'sigmas', 'vae'];
  const node = fc.record({
    class_type: fc.constantFrom('KSampler', 'Seen', 'Other'),
    inputs: fc.dictionary(fc.constantFrom(...inputs, ...steps), value),
  });
  const costs = nodeCosts(new Map(['KSampler/cost/step', 'Seen/cost'].map((kind) => [`a/${kind}/76`, 50])));
  const estimate = createEstimateGpu(() => costs, 1_200_000);
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), node), (made) => {
      const graph = made as Graph;
      for (const { pixels } of nodeLoads(graph).values()) expect(pixels).toBeGreaterThanOrEqual(0);
      const ms = estimate({ template: null, parameters: {} }, graph);
      expect(Number.isSafeInteger(ms) && ms >= 1 && ms <= 1_200_000).toBe(true);
    }),
    { numRuns: 500 },
  );
  const circle: Graph = { a: sampler('b'), b: sampler('a') };
  expect(pixelsAt(circle, 'a')).toBe(0);
  const deep = Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [`${i}`, sampler(`${i + 1}`)]));
  expect(pixelsAt({ ...deep, '50000': empty() }, '0')).toBe(512 * 256);
});

test('inputs that a class does not declare say nothing of its nodes; of an unknown class all may', async () => {
  const classes = await readStockNodeDefinitions();
  const graph: Graph = {
    s: sampler('e', { start_at_step: 5, width: 8 }),
    e: empty({ steps: 3 }),
    o: { class_type: 'Unknown', inputs: { steps: 9 } },
  };
  const declared = withDeclaredInputs(graph, classes);
  expect(declared).toEqual({ s: sampler('e'), e: empty(), o: graph.o });
  expect(nodeLoads(declared).get('s')).toMatchObject({ steps: 20, pixels: 512 * 256 });
  expect(withDeclaredInputs(graph, null)).toBe(graph);
});
