import type { Graph } from '../../../../src/core/graph.ts';
import type { NodeDefinitions } from '../../../../src/core/node-definitions.ts';
import { objectInfoSchema } from '../../../../src/core/object-info.ts';
import { findParameters } from '../../../../src/workflows/add/find-parameters.ts';
import { nameParameters } from '../../../../src/workflows/add/names.ts';

export const TEXT = ['STRING', { multiline: true }];
const link = (type: string) => [type, {}];

/** A class as a server declares it. `outputs`: `type` or `type:name`. */
export function declared(required: { [input: string]: unknown }, outputs: string[], output_node = false) {
  const [types, names] = [0, 1].map((at) => outputs.map((output) => output.split(':').at(at === 0 ? 0 : -1)));
  return { input: { required }, output: types, output_name: names, output_node };
}

const sides = { positive: link('CONDITIONING'), negative: link('CONDITIONING') };
const sampling = { seed: ['INT', {}], steps: ['INT', {}], cfg: ['FLOAT', {}], ...sides };
const bothSides = ['CONDITIONING:positive', 'CONDITIONING:negative'];

/** Classes that every ComfyUI has, with the inputs that matter here. */
const stock = {
  CLIPTextEncode: declared({ text: TEXT, clip: link('CLIP') }, ['CONDITIONING']),
  KSampler: declared({ ...sampling, model: link('MODEL'), latent_image: link('LATENT') }, ['LATENT']),
  EmptyLatentImage: declared({ width: ['INT', {}], height: ['INT', {}] }, ['LATENT']),
  CheckpointLoaderSimple: declared({ ckpt_name: [['a.safetensors']] }, ['MODEL', 'CLIP', 'VAE']),
  VAEDecode: declared({ samples: link('LATENT'), vae: link('VAE') }, ['IMAGE']),
  SaveImage: declared({ images: link('IMAGE'), filename_prefix: ['STRING', {}] }, [], true),
  ControlNetApplyAdvanced: declared({ ...sides, strength: ['FLOAT', {}] }, bothSides),
  InpaintModelConditioning: declared(sides, [...bothSides, 'LATENT:latent']),
  LTXVReferenceAudio: declared({ model: link('MODEL'), ...sides }, ['MODEL', ...bothSides]),
  ConditioningCombine: declared({ conditioning_1: link('CONDITIONING'), conditioning_2: link('CONDITIONING') }, [
    'CONDITIONING',
  ]),
  ConditioningZeroOut: declared({ conditioning: link('CONDITIONING') }, ['CONDITIONING']),
  PrimitiveString: declared({ value: ['STRING', {}] }, ['STRING']),
  PrimitiveInt: declared({ value: ['INT', {}] }, ['INT']),
  PrimitiveFloat: declared({ value: ['FLOAT', {}] }, ['FLOAT']),
  ComfyMathExpression: declared({ expression: TEXT, 'values.a': ['FLOAT', { forceInput: true }] }, ['FLOAT', 'INT']),
  StringConcatenate: declared({ string_a: TEXT, string_b: TEXT, delimiter: ['STRING', {}] }, ['STRING']),
  TextGenerate: declared({ prompt: TEXT, clip: link('CLIP') }, ['STRING']),
  SAM3_Detect: declared({ conditioning: link('CONDITIONING') }, ['MASK']),
};

export const node = (class_type: string, inputs: object, title?: string) => ({
  class_type,
  inputs,
  ...(title !== undefined && { _meta: { title } }),
});
export const encode = (text: unknown, title = 'CLIP Text Encode (Prompt)') =>
  node('CLIPTextEncode', { text, clip: ['4', 1] }, title);

/** A picture of the texts of nodes 6 and 7, with `changed` instead of some of its nodes. */
export function picture(changed: { [id: string]: object } = {}): { [id: string]: object } {
  return {
    '3': sampler({}),
    '4': node('CheckpointLoaderSimple', { ckpt_name: 'a.safetensors' }),
    '5': node('EmptyLatentImage', { width: 512, height: 512 }),
    '6': encode('a lighthouse'),
    '7': encode('blurry'),
    '8': node('VAEDecode', { samples: ['3', 0], vae: ['4', 2] }),
    '9': node('SaveImage', { filename_prefix: 'x', images: ['8', 0] }),
    ...changed,
  };
}

export const sampler = (inputs: object) =>
  node('KSampler', {
    ...{ seed: 1, steps: 4, cfg: 7, model: ['4', 0], positive: ['6', 0], negative: ['7', 0], latent_image: ['5', 0] },
    ...inputs,
  });

export interface Inferred {
  /** The places of each parameter: `6.text`, several with `+`, and `!` before that of a required one. */
  parameters: { [name: string]: string };
  notes: string[];
}

/** What is found in a graph where these classes are known besides the stock ones. */
export function infer(graph: { [id: string]: object }, classes: { [name: string]: object } = {}): Inferred {
  return inferFrom(graph, objectInfoSchema.parse({ ...stock, ...classes }));
}

export function inferFrom(graph: { [id: string]: object }, nodeDefinitions: NodeDefinitions): Inferred {
  const known = graph as Graph;
  const { findings, notes } = findParameters(known, nodeDefinitions);
  const names = nameParameters(findings, known);
  const parameters = findings.map(({ takes, places }, index) => {
    const required = takes.type === 'string' && takes.required ? '!' : '';
    return [names[index] ?? '', required + places.map(({ node: id, input }) => `${id}.${input}`).join('+')];
  });
  return { parameters: Object.fromEntries(parameters), notes };
}

/** The texts among the parameters. */
export function texts({ parameters }: Inferred): { [name: string]: string } {
  const others = /seed|steps|cfg|width|height|model|strength|image|batch/i;
  return Object.fromEntries(Object.entries(parameters).filter(([name]) => !others.test(name)));
}
