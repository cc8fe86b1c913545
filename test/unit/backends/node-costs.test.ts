import { expect, test } from 'vitest';
import { followNodeCosts, nodeCosts } from '../../../src/backends/node-costs.ts';
import type { Graph } from '../../../src/core/graph.ts';
import { costName, nodeLoads } from '../../../src/core/node-load.ts';
import { createEstimateGpu } from '../../../src/jobs/estimate-gpu.ts';

function graphOf(steps: number, side: number, batch = 1): Graph {
  return {
    '1': { class_type: 'EmptyLatentImage', inputs: { width: side, height: side, batch_size: batch } },
    '2': { class_type: 'KSampler', inputs: { latent_image: ['1', 0], steps, seed: 7 } },
    '3': { class_type: 'VAEDecode', inputs: { samples: ['2', 0], vae: ['4', 0] } },
    '4': { class_type: 'VAELoader', inputs: { vae_name: 'a' } },
  };
}

/** What a server has taken for a graph: `msPerStep` of the sampler, which grows by a power of the size. */
function times(backend: string, sides: number[], stepMs: (pixels: number) => number): Map<string, number> {
  const known = new Map<string, number>();
  for (const side of sides) {
    for (const load of nodeLoads(graphOf(1, side)).values()) {
      const { kind, bucket } = costName(load);
      const ms = load.className === 'KSampler' ? stepMs(load.pixels) : load.className === 'VAEDecode' ? 50 : 0;
      known.set(`${backend}/${kind}/${bucket}`, ms);
    }
  }
  return known;
}

test('a job costs its steps, at its size', () => {
  const costs = nodeCosts(times('gpu', [512, 1024], (pixels) => pixels / 10_000));
  expect(costs.of(graphOf(20, 512))).toBeCloseTo(20 * 26.2 + 50, -1);
  expect(costs.of(graphOf(60, 1024))).toBeCloseTo(60 * 104.9 + 50, -1);
});

test('of a size that nobody has measured it costs what lies between, beyond or in proportion', () => {
  const two = nodeCosts(times('gpu', [512, 1024], (pixels) => 5 + pixels / 10_000));
  for (const side of [256, 704, 768, 2048]) {
    const expected = 20 * (5 + side ** 2 / 10_000) + 50;
    expect(two.of(graphOf(20, side)) / expected).toBeGreaterThan(0.8);
    expect(two.of(graphOf(20, side)) / expected).toBeLessThan(1.2);
  }
  const one = nodeCosts(times('gpu', [512], (pixels) => pixels / 10_000));
  expect(one.of(graphOf(100, 1024)) / one.of(graphOf(100, 512))).toBeCloseTo(4, 0);
  // A batch is as much as a picture of its size.
  expect(one.of(graphOf(100, 512, 4))).toBeCloseTo(one.of(graphOf(100, 1024)), 0);
});

test('servers count the same', () => {
  const costs = nodeCosts(new Map([...times('fast', [512], () => 10), ...times('slow', [512], () => 30)]));
  expect(costs.of(graphOf(10, 512))).toBeCloseTo(10 * 20 + 50);
});

test('a node that nobody has measured takes what its like take of the others', () => {
  const costs = nodeCosts(new Map([['gpu/KSampler/cost/step/72', 100]]));
  // Of the rest, decoding is two steps and loading two.
  expect(costs.of(graphOf(20, 512))).toBeCloseTo(2_000 + 4.1 * 100, 0);
  expect(nodeCosts(new Map()).of(graphOf(20, 1024))).toBeGreaterThan(20 * 250);
});

test('an estimate is whole milliseconds, at least 1, at most what an attempt may take', () => {
  const costs = nodeCosts(new Map([['gpu/KSampler/cost/step/72', 100]]));
  const estimate = createEstimateGpu(() => costs, 60_000);
  const job = { template: null, parameters: {} };
  expect(estimate(job, graphOf(20, 512))).toBe(2_410);
  expect(estimate(job, graphOf(10_000, 512))).toBe(60_000);
  expect(estimate(job, {})).toBe(1);
});

test('of a workflow it is made once for equal steps and sizes, and anew when the times change', () => {
  let costs = nodeCosts(new Map([['gpu/KSampler/cost/step/72', 100]]));
  const estimate = createEstimateGpu(() => costs, 60_000_000);
  const template = { hash: 'h', text: '', sizes: ['steps', 'batch'] };
  const ask = (steps: number, seed: number, graph = graphOf(steps, 512), batch = 'ONE') =>
    estimate({ template, parameters: { prompt: 'p', steps, seed, batch } }, graph);
  expect(ask(20, 2 ** 40)).toBe(2_410);
  // Known by its sizes: the graph is not looked at.
  expect(ask(20, 2 ** 41, {})).toBe(2_410);
  expect(ask(40, 2 ** 40)).toBe(4_410);
  // However large, and also where a choice stands for a number.
  expect(ask(2_000_000, 1, graphOf(10_000, 512))).toBe(1_000_410);
  expect(ask(20, 1, graphOf(40, 512), 'TWO')).toBe(4_410);
  costs = nodeCosts(new Map([['gpu/KSampler/cost/step/72', 200]]));
  expect(ask(20, 2 ** 40)).toBe(4_820);
});

test('of a workflow whose sizes are not known it is made each time', () => {
  const costs = nodeCosts(new Map([['gpu/KSampler/cost/step/72', 100]]));
  const estimate = createEstimateGpu(() => costs, 60_000);
  const job = { template: { hash: 'h', text: '' }, parameters: { steps: 20 } };
  expect(estimate(job, graphOf(20, 512))).toBe(2_410);
  expect(estimate(job, graphOf(40, 512))).toBe(4_410);
});

test('what workers have learned meanwhile is read after some seconds, and stays while it cannot be', async () => {
  let reads = 0;
  const faults: unknown[] = [];
  const read = async () => {
    reads += 1;
    return new Map([['gpu/KSampler/cost/step/72', 100]]);
  };
  const costs = followNodeCosts({ read }, (error) => faults.push(error));
  expect(costs().of(graphOf(20, 512))).not.toBeCloseTo(2_410);
  await expect.poll(() => costs().of(graphOf(20, 512))).toBeCloseTo(2_410);
  expect(reads).toBe(1);
  const failing = followNodeCosts({ read: () => Promise.reject(new Error('down')) }, (error) => faults.push(error));
  failing();
  await expect.poll(() => faults).toHaveLength(1);
  expect(failing().of(graphOf(20, 512))).toBeGreaterThan(0);
});
