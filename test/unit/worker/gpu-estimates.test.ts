import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { nodeCosts } from '../../../src/backends/node-costs.ts';
import type { Graph } from '../../../src/core/graph.ts';
import type { NodeTiming } from '../../../src/core/job.ts';
import { createNodeTimes } from '../../../worker/progress/node-times.ts';
import { silent } from '../../support/gateway-store.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

interface Asked {
  steps: number;
  side: number;
  batch: number;
}

const graphOf = ({ steps, side, batch }: Asked): Graph => ({
  '3': { class_type: 'KSampler', inputs: { steps, latent_image: ['5', 0], model: ['4', 0], positive: ['6', 0] } },
  '4': { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'a.safetensors' } },
  '5': { class_type: 'EmptyLatentImage', inputs: { width: side, height: side, batch_size: batch } },
  '6': { class_type: 'CLIPTextEncode', inputs: { text: 'a lighthouse', clip: ['4', 1] } },
  '8': { class_type: 'VAEDecode', inputs: { samples: ['3', 0], vae: ['4', 2] } },
  '9': { class_type: 'SaveImage', inputs: { images: ['8', 0] } },
});

/** A server whose nodes take some time of their own, and more for each megapixel; it has the model from then on. */
function createServer() {
  let runs = 0;
  return ({ steps, side, batch }: Asked): NodeTiming[] => {
    const megapixels = (side * side * batch) / 1e6;
    // By up to a twentieth up and down, as between runs of the same.
    const noise = 1 + 0.05 * Math.sin(13 * runs);
    const first = runs++ === 0;
    const node = (nodeId: string, ms: number, cached = false) => ({ nodeId, classType: '', ms: ms * noise, cached });
    return [
      node('4', first ? 9_000 : 0, !first),
      node('5', 1),
      node('6', 40),
      node('3', steps * (8 + 90 * megapixels)),
      node('8', 30 + 250 * megapixels),
      node('9', 60 * megapixels),
    ];
  };
}

const sumOf = (timings: NodeTiming[]) => timings.reduce((sum, { ms, cached }) => sum + (cached ? 0 : ms), 0);

test('once times are learned, an estimate is within a fifth of what is measured: steps, size, batch', async () => {
  const shared = new Map<string, number>();
  const store = {
    read: async () => new Map(shared),
    write: async (times: ReadonlyMap<string, number>) => times.forEach((ms, name) => void shared.set(name, ms)),
  };
  const times = createNodeTimes({ store, log: silent });
  await vi.advanceTimersByTimeAsync(0);
  const run = createServer();
  const learned = [512, 768, 1024].flatMap((side) => [1, 4].map((batch) => ({ steps: 20, side, batch })));
  for (let round = 0; round < 3; round++) {
    for (const asked of learned) times.learn('gpu', graphOf(asked), run(asked));
  }
  await times.close();

  const costs = nodeCosts(shared);
  // Sizes and batches that were never run as well.
  for (const steps of [5, 20, 60]) {
    for (const side of [512, 640, 768, 1024, 1536]) {
      for (const batch of [1, 2, 4]) {
        const asked = { steps, side, batch };
        const ratio = costs.of(graphOf(asked)) / sumOf(run(asked));
        expect(ratio, JSON.stringify(asked)).toBeGreaterThan(0.8);
        expect(ratio, JSON.stringify(asked)).toBeLessThan(1.2);
      }
    }
  }
});

test('what a server had already makes the estimate no smaller for what it has not', async () => {
  const shared = new Map<string, number>();
  const store = {
    read: async () => new Map(shared),
    write: async (times: ReadonlyMap<string, number>) => times.forEach((ms, name) => void shared.set(name, ms)),
  };
  const times = createNodeTimes({ store, log: silent });
  await vi.advanceTimersByTimeAsync(0);
  const asked = { steps: 20, side: 512, batch: 1 };
  const run = createServer();
  for (let i = 0; i < 12; i++) times.learn('gpu', graphOf(asked), run(asked));
  // The same prompt again and again, of which only saving is done.
  const repeated = run(asked).map((timing) => (timing.nodeId === '9' ? timing : { ...timing, ms: 0, cached: true }));
  for (let i = 0; i < 10; i++) times.learn('gpu', graphOf(asked), repeated);
  await times.close();
  expect(nodeCosts(shared).of(graphOf(asked)) / sumOf(run(asked))).toBeGreaterThan(0.8);
});
