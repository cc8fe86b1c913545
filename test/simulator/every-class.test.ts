import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodePng } from '../../src/simulator/media/png.ts';
import { solidFrame } from '../../src/simulator/pictures/frame.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { call, ended, type Loose, node, submit, uploadImage } from './client.ts';

/** Where a graph gets a value of each type from: the id of a node below and its output. */
const sources: Record<string, [string, number]> = {
  IMAGE: ['image', 0],
  MASK: ['mask', 0],
  LATENT: ['latent', 0],
  MODEL: ['model', 0],
  CLIP: ['model', 1],
  VAE: ['model', 2],
  CONDITIONING: ['text', 0],
  AUDIO: ['audio', 0],
  VIDEO: ['video', 0],
  CLIP_VISION: ['vision', 0],
  CLIP_VISION_OUTPUT: ['seen', 0],
  CONTROL_NET: ['control', 0],
  UPSCALE_MODEL: ['upscaler', 0],
  NOISE: ['noise', 0],
  GUIDER: ['guider', 0],
  SAMPLER: ['sampler', 0],
  SIGMAS: ['sigmas', 0],
};

const providers = {
  image: node('EmptyImage', { width: 32, height: 32, batch_size: 2, color: 1 }),
  mask: node('SolidMask', { value: 0.5, width: 32, height: 32 }),
  latent: node('EmptyLatentImage', { width: 32, height: 32, batch_size: 1 }),
  model: node('CheckpointLoaderSimple', { ckpt_name: 'v1-5-pruned-emaonly.safetensors' }),
  text: node('CLIPTextEncode', { text: 'x', clip: ['model', 1] }),
  audio: node('EmptyAudio', { duration: 0.1, sample_rate: 8000, channels: 1 }),
  video: node('CreateVideo', { images: ['image', 0], fps: 2 }),
  vision: node('CLIPVisionLoader', { clip_name: 'clip_vision_h.safetensors' }),
  seen: node('CLIPVisionEncode', { clip_vision: ['vision', 0], image: ['image', 0], crop: 'center' }),
  control: node('ControlNetLoader', { control_net_name: 'control_v11p_sd15_canny.pth' }),
  upscaler: node('UpscaleModelLoader', { model_name: 'RealESRGAN_x4plus.pth' }),
  noise: node('RandomNoise', { noise_seed: 1 }),
  guider: node('BasicGuider', { model: ['model', 0], conditioning: ['text', 0] }),
  sampler: node('KSamplerSelect', { sampler_name: 'euler' }),
  sigmas: node('BasicScheduler', { model: ['model', 0], scheduler: 'normal', steps: 2, denoise: 1 }),
};

/** A value that the declaration of an input allows. Sizes are kept small. */
function valueFor(name: string, [type, options = {}]: [Loose, Loose?]): unknown {
  if (sources[type]) return sources[type];
  if (Array.isArray(type)) return type[0];
  if (type === 'COMBO') return options.options[0];
  if (type === 'BOOLEAN') return options.default ?? true;
  if (type === 'STRING') return options.forceInput ? 'words' : (options.default ?? 'words');
  if (type === 'INT' || type === 'FLOAT') {
    if (['width', 'height'].includes(name)) return Math.max(64, options.min ?? 64);
    if (/length|frames|seconds|steps/.test(name)) return Math.max(1, options.min ?? 1);
    return options.default ?? Math.max(-1e6, options.min ?? 1);
  }
  return 'words';
}

function inputsOf(specs: Record<string, [Loose, Loose?]>, prefix = ''): Record<string, unknown> {
  const inputs: Record<string, unknown> = {};
  for (const [name, spec] of Object.entries(specs)) {
    if (spec[0] !== 'COMFY_DYNAMICCOMBO_V3') {
      inputs[prefix + name] = valueFor(name, spec);
      continue;
    }
    const [choice] = spec[1].options;
    inputs[prefix + name] = choice.key;
    Object.assign(inputs, inputsOf(choice.inputs.required ?? {}, `${prefix}${name}.`));
  }
  return inputs;
}

let simulator: Simulator;
let catalogue: Record<string, Loose>;
beforeAll(async () => {
  simulator = await startSimulator({ speed: Number.POSITIVE_INFINITY });
  const picture = await encodePng(solidFrame(16, 16, [9, 9, 9]));
  for (const name of ['a.png', 'a.flac', 'a.mp4']) await uploadImage(simulator.url, name, picture);
  catalogue = (await call(simulator.url, 'GET', '/object_info')).json;
});
afterAll(() => simulator.close());

test('every class of the catalogue runs in a valid graph', async () => {
  expect(Object.keys(catalogue)).toHaveLength(109);
  const failed: string[] = [];
  for (const [name, info] of Object.entries(catalogue)) {
    const inputs = { ...inputsOf(info.input.required ?? {}), ...inputsOf(info.input.optional ?? {}) };
    const tested = { ...providers, tested: node(name, inputs) };
    const shown = info.output.map((_: unknown, slot: number) => [
      `shown${slot}`,
      node('PreviewAny', { source: ['tested', slot] }),
    ]);
    const graph = info.output_node ? tested : { ...tested, ...Object.fromEntries(shown) };
    const entry = await ended(simulator.url, await submit(simulator.url, graph));
    const [type, told] = entry.status.messages.at(-1);
    const wanted = info.output_node ? ['tested'] : Object.keys(Object.fromEntries(shown));
    const without = name === 'SaveImageWebsocket' ? [] : wanted.filter((id) => !entry.outputs[id]);
    if (type !== 'execution_success' || without.length > 0)
      failed.push(`${name}: ${type} ${told.exception_message} ${without}`);
  }
  expect(failed).toEqual([]);
});

test('pictures of an image node can be saved after every image class', async () => {
  const classes = Object.entries(catalogue).filter(
    ([, { output }]) => output.includes('IMAGE') || output.includes('MASK'),
  );
  const failed: string[] = [];
  for (const [name, info] of classes) {
    const inputs = { ...inputsOf(info.input.required ?? {}), ...inputsOf(info.input.optional ?? {}) };
    const slot = info.output.findIndex((type: string) => type === 'IMAGE' || type === 'MASK');
    const output =
      info.output[slot] === 'IMAGE'
        ? node('SaveImage', { images: ['tested', slot], filename_prefix: 'each/x' })
        : node('MaskPreview', { mask: ['tested', slot] });
    const graph = { ...providers, tested: node(name, inputs), saved: output };
    const entry = await ended(simulator.url, await submit(simulator.url, graph));
    if (!entry.outputs.saved?.images?.length)
      failed.push(`${name}: ${JSON.stringify(entry.status.messages.at(-1)).slice(0, 300)}`);
  }
  expect(failed).toEqual([]);
});
