import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { graphSchema } from '../../../src/core/graph.ts';
import { nodeWork } from '../../../src/core/node-work.ts';

const workOf = (graph: unknown, id: string) => nodeWork(graphSchema.parse(graph))(id);

describe('a sampler takes as long as it has steps', () => {
  const sampler = (inputs: object, others = {}) =>
    workOf({ s: { class_type: 'AnySampler', inputs: { latent_image: ['l', 0], ...inputs } }, ...others }, 's');

  test('of its own', () => {
    expect(sampler({ steps: 30 })).toBe(30);
    expect(sampler({ steps: 0 })).toBe(1);
  });

  test('without those that it leaves out', () => {
    expect(sampler({ steps: 30, start_at_step: 10, end_at_step: 10_000 })).toBe(20);
    expect(sampler({ steps: 30, start_at_step: 0, end_at_step: 10 })).toBe(10);
    expect(sampler({ steps: 30, start_at_step: 40 })).toBe(1);
  });

  test('no more than ComfyUI takes, nor those that a class does not look at', () => {
    expect(sampler({ steps: 1e308 })).toBe(10_000);
    expect(sampler({ steps: 20, start_at_step: -1e308 })).toBe(20);
    const schedule = { b: { class_type: 'BasicScheduler', inputs: { steps: 12 } } };
    expect(sampler({ steps: 1e6, sigmas: ['b', 0] }, schedule)).toBe(12);
  });

  test('that come from a node of one number', () => {
    const others = {
      n: { class_type: 'PrimitiveInt', inputs: { value: 8 } },
      r: { class_type: 'Reroute', inputs: { '': ['n', 0] } },
      m: { class_type: 'Math', inputs: { a: 1, b: 2 } },
    };
    expect(sampler({ steps: ['n', 0] }, others)).toBe(8);
    expect(sampler({ steps: ['r', 0] }, others)).toBe(8);
    expect(sampler({ steps: ['m', 0] }, others)).toBe(20);
    expect(sampler({ steps: ['gone', 0] }, others)).toBe(20);
  });

  test('of its schedule, whose maker only computes it', () => {
    const others = {
      a: { class_type: 'BasicScheduler', inputs: { steps: 12, model: ['x', 0] } },
      b: { class_type: 'SplitSigmas', inputs: { sigmas: ['a', 0], step: 4 } },
      c: { class_type: 'ManualSigmas', inputs: { sigmas: '1.0, 0.5' } },
    };
    expect(sampler({ sigmas: ['a', 0] }, others)).toBe(12);
    expect(sampler({ sigmas: ['b', 0] }, others)).toBe(12);
    expect(sampler({ sigmas: ['c', 0] }, others)).toBe(20);
    const graph = { s: { class_type: 'SamplerCustom', inputs: { sigmas: ['b', 0] } }, ...others };
    for (const id of ['a', 'b', 'c']) expect(workOf(graph, id)).toBeLessThan(1);
  });
});

test('what only counts is over at once, what works on pixels or reads models is not', () => {
  const graph = {
    number: { class_type: 'PrimitiveInt', inputs: { value: 5 } },
    size: { class_type: 'EmptyHunyuanLatentVideo', inputs: { width: 512 } },
    model: { class_type: 'UnetLoaderGGUF', inputs: { unet_name: 'x' } },
    text: { class_type: 'CLIPTextEncode', inputs: { clip: ['model', 1], text: 'x' } },
    decode: { class_type: 'VAEDecodeTiled', inputs: { samples: ['size', 0], vae: ['model', 2] } },
    larger: { class_type: 'ImageUpscaleWithModel', inputs: { upscale_model: ['model', 0], image: ['decode', 0] } },
    film: { class_type: 'VHS_VideoCombine', inputs: { images: ['decode', 0] } },
    save: { class_type: 'SaveImage', inputs: { images: ['decode', 0] } },
  };
  const order = ['number', 'text', 'decode', 'film', 'larger'].map((id) => workOf(graph, id));
  expect(order).toEqual(order.toSorted((a, b) => a - b));
  expect(new Set(order).size).toBe(order.length);
  expect(workOf(graph, 'size')).toBe(workOf(graph, 'number'));
  expect(workOf(graph, 'model')).toBeGreaterThan(workOf(graph, 'text'));
  expect(workOf(graph, 'save')).toBeLessThan(workOf(graph, 'film'));
  expect(workOf(graph, 'nobody')).toBe(workOf(graph, 'number'));
});

test('whatever a graph is, circles included, each node has a time that is more than none', () => {
  const id = fc.constantFrom('a', 'b', 'c', '__proto__');
  const number = fc.double({ noNaN: true, noDefaultInfinity: true });
  const value = fc.oneof(number, fc.string(), fc.tuple(id, fc.nat(2)), fc.constant(null));
  const names = fc.constantFrom('steps', 'sigmas', 'vae', 'clip', 'start_at_step', 'end_at_step', 'value');
  const node = fc.record({
    class_type: fc.constantFrom('KSampler', 'SaveVideo', 'Reroute'),
    inputs: fc.dictionary(names, value),
  });
  fc.assert(
    fc.property(fc.dictionary(id, node), (graph) => {
      const work = nodeWork(graphSchema.parse(graph));
      for (const each of ['a', 'b', 'c', '__proto__']) expect(work(each)).toBeGreaterThan(0);
    }),
  );
});
