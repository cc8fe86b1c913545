import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import type { Graph } from '../../../src/core/graph.ts';
import type { NodeDefinitions } from '../../../src/core/node-definitions.ts';
import { objectInfoSchema } from '../../../src/core/object-info.ts';
import { createSchema } from '../../../src/graphql/schema.ts';
import { type AddOptions, addWorkflow } from '../../../src/workflows/add/add-workflow.ts';
import type { MadeManifest } from '../../../src/workflows/add/make-manifest.ts';
import { workflowName } from '../../../src/workflows/add/names.ts';
import { loadCatalogue } from '../../../src/workflows/load.ts';
import { readStockNodeDefinitions } from '../../../src/workflows/stock-node-definitions.ts';
import { fileOf, pngWith, tEXt } from '../../support/media-with-texts.ts';
import { workflowsFolder } from './folder.ts';

const root = new URL('../../../', import.meta.url);
const readJson = async (path: string | URL) => JSON.parse(await readFile(new URL(path, root), 'utf8'));
let stock: NodeDefinitions;

beforeAll(async () => {
  stock = await readStockNodeDefinitions();
});

/** Adds a graph to a workflows folder (default: a new one), and reads back what was made. */
async function add(graph: unknown, options: Partial<AddOptions> = {}) {
  const dir = options.dir ?? (await workflowsFolder({}));
  const file = join(dir, 'the-export.json');
  await writeFile(file, typeof graph === 'string' ? graph : JSON.stringify(graph));
  const defaults = { file, name: null, dir, force: false, candidates: [stock], stock, maxMegapixels: 4 };
  const added = await addWorkflow({ ...defaults, ...options });
  const manifest: MadeManifest = JSON.parse(await readFile(join(added.folder, 'manifest.json'), 'utf8'));
  const written: Graph = JSON.parse(await readFile(join(added.folder, 'graph.json'), 'utf8'));
  // All of the folder loads, and makes a schema.
  createSchema(await loadCatalogue({ dir, maxMegapixels: 4 }));
  return { ...added, manifest, graph: written, dir };
}

/** Each parameter as `type default -> node.input …`. */
function shown({ parameters }: MadeManifest): { [name: string]: string } {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, { type, file, required, default: value, targets }]) => {
      const head = [file ?? type, required ? '!' : (value ?? '')].join(' ').trim();
      return [name, `${head} -> ${targets.map(({ node, input }) => `${node}.${input}`).join(' ')}`];
    }),
  );
}

const sampling = {
  steps: 'int 20 -> 3.steps',
  cfgScale: 'float 7 -> 3.cfg',
  sampler: 'enum EULER -> 3.sampler_name',
  scheduler: 'enum NORMAL -> 3.scheduler',
  seed: 'seed -> 3.seed',
  model: 'model v1-5-pruned-emaonly.safetensors -> 4.ckpt_name',
};
const golden: { [workflow: string]: { [parameter: string]: string } } = {
  textToImage: {
    prompt: 'string ! -> 6.text',
    negativePrompt: 'string -> 7.text',
    width: 'int 512 -> 5.width',
    height: 'int 512 -> 5.height',
    ...sampling,
    batchSize: 'int 1 -> 5.batch_size',
  },
  imageToImage: {
    prompt: 'string ! -> 6.text',
    image: 'image ! -> 10.image',
    negativePrompt: 'string -> 7.text',
    ...sampling,
    denoise: 'float 0.75 -> 3.denoise',
  },
  inpaint: {
    prompt: 'string ! -> 6.text',
    image: 'image ! -> 10.image',
    mask: 'mask ! -> 11.image',
    negativePrompt: 'string -> 7.text',
    ...sampling,
    denoise: 'float 1 -> 3.denoise',
  },
  upscale: { image: 'image ! -> 1.image', upscaleModel: 'model RealESRGAN_x4plus.pth -> 2.model_name' },
  textToVideo: {
    prompt: 'string ! -> 6.text',
    negativePrompt: 'string -> 7.text',
    width: 'int 832 -> 5.width',
    height: 'int 480 -> 5.height',
    length: 'int 33 -> 5.length',
    fps: 'float 16 -> 9.fps',
    steps: 'int 30 -> 3.steps',
    cfgScale: 'float 6 -> 3.cfg',
    sampler: 'enum UNI_PC -> 3.sampler_name',
    scheduler: 'enum SIMPLE -> 3.scheduler',
    seed: 'seed -> 3.seed',
    model: 'model wan2.1_t2v_1.3B_fp16.safetensors -> 1.unet_name',
    textEncoder: 'model umt5_xxl_fp8_e4m3fn_scaled.safetensors -> 2.clip_name',
    vae: 'model wan_2.1_vae.safetensors -> 10.vae_name',
    batchSize: 'int 1 -> 5.batch_size',
  },
  textToAudio: {
    prompt: 'string ! -> 6.tags',
    lyrics: 'string -> 6.lyrics',
    seconds: 'float 30 -> 5.seconds',
    steps: 'int 50 -> 3.steps',
    cfgScale: 'float 5 -> 3.cfg',
    sampler: 'enum EULER -> 3.sampler_name',
    scheduler: 'enum SIMPLE -> 3.scheduler',
    seed: 'seed -> 3.seed',
    model: 'model ace_step_v1_3.5b_model.safetensors -> 1.unet_name',
    textEncoder: 'model ace_step_v1_3.5b_clip.safetensors -> 2.clip_name',
    vae: 'model ace_step_v1_3.5b_vae.safetensors -> 10.vae_name',
    batchSize: 'int 1 -> 5.batch_size',
    lyricsStrength: 'float 0.99 -> 6.lyrics_strength',
  },
};

test('every shipped workflow has an expectation', async () => {
  const { workflows } = await loadCatalogue({ dir: new URL('workflows', root).pathname, maxMegapixels: 4 });
  expect(Object.keys(golden).sort()).toEqual(workflows.map(({ name }) => name));
});

test.for(Object.keys(golden))('of the graph of %s all is found that a caller would set', async (name) => {
  const { manifest, graph, notes } = await add(await readJson(`workflows/${name}/graph.json`), { name });
  expect(shown(manifest)).toEqual(golden[name]);
  expect(graph).toEqual(await readJson(`workflows/${name}/graph.json`));
  expect(notes).toEqual([]);
  const sized = Object.hasOwn(manifest.parameters, 'width');
  expect(manifest.constraints).toEqual(sized ? [{ megapixels: ['width', 'height'] }] : undefined);
});

test('the limits are those of textToImage, and its enum types are shared', async () => {
  const shipped = await readJson('workflows/textToImage/manifest.json');
  const dir = await workflowsFolder({
    'textToImage/manifest.json': shipped,
    'textToImage/graph.json': await readJson('workflows/textToImage/graph.json'),
  });
  const { manifest } = await add(await readJson('workflows/textToImage/graph.json'), { dir, name: 'mine' });
  for (const [name, parameter] of Object.entries(manifest.parameters)) {
    const { description: _, ...theirs } = shipped.parameters[name];
    const { description, ...ours } = parameter;
    expect(description, name).not.toBe('');
    expect(ours, name).toEqual(theirs);
  }
});

const recorded = (await readdir(new URL('test/comfyui/recorded/workflows/', root))).filter((name) =>
  /^\d\d_/.test(name),
);

test.for(recorded)('of the recorded graph %s a workflow is made that loads', async (file) => {
  const { manifest } = await add(await readJson(`test/comfyui/recorded/workflows/${file}`), {
    name: workflowName(file),
  });
  expect(Object.keys(manifest.parameters).length).toBeGreaterThan(0);
});

test('a graph of previews alone names them as its outputs, for they are temporary', async () => {
  const { manifest } = await add(await readJson('test/comfyui/recorded/workflows/16_preview_only.json'));
  expect(manifest.outputs).toEqual([{ node: '2' }]);
  const both = await add(await readJson('test/comfyui/recorded/workflows/12_upload_load_image.json'));
  expect(both.manifest.outputs).toBeUndefined();
});

const node = (class_type: string, inputs: object, title?: string) => ({
  class_type,
  inputs,
  ...(title !== undefined && { _meta: { title } }),
});
const encode = (text: unknown, title?: string) => node('CLIPTextEncode', { text, clip: ['4', 1] }, title);
const checkpoint = node('CheckpointLoaderSimple', { ckpt_name: 'a.safetensors' });
const sampler = (inputs: object) => node('KSampler', { steps: 20, seed: 5, model: ['4', 0], ...inputs });

test('titles with $ mark parameters, give their names and descriptions, and one name is one parameter', async () => {
  const { manifest, notes } = await add({
    '1': encode('a cat', '$subject: what is to be seen'),
    '2': encode('bad', '$avoid'),
    '3': sampler({ positive: ['1', 0], negative: ['2', 0], latent_image: ['5', 0], cfg: 7 }),
    '4': checkpoint,
    '5': node('EmptyLatentImage', { width: 640, height: 480, batch_size: 1 }, '$width $high'),
    '6': node('VAEDecode', { samples: ['3', 0], vae: ['4', 2] }, '$nothing'),
    '7': node('SaveImage', { images: ['6', 0], filename_prefix: 'x' }, '$folder'),
    '8': node('ImageBlur', { image: ['6', 0], blur_radius: 3, sigma: 1 }, '$sigma'),
    '9': node('ImageBlur', { image: ['6', 0], blur_radius: 3, sigma: 1 }, '$sigma'),
    '10': node('ImageSharpen', { image: ['8', 0], sigma: 1 }, '$__typename'),
    '11': node('ImageBlur', { image: ['6', 0], blur_radius: 3, sigma: 1 }, 'costs $5'),
    '12': node('SaveText', { text: 'x' }, '$sigma'),
  });
  expect(shown(manifest)).toEqual({
    subject: 'string ! -> 1.text',
    avoid: 'string bad -> 2.text',
    width: 'int 640 -> 5.width',
    high: 'int 480 -> 5.height',
    steps: 'int 20 -> 3.steps',
    cfgScale: 'float 7 -> 3.cfg',
    seed: 'seed -> 3.seed',
    model: 'model a.safetensors -> 4.ckpt_name',
    batchSize: 'int 1 -> 5.batch_size',
    folder: 'string x -> 7.filename_prefix',
    sigma: 'float 1 -> 8.sigma 9.sigma',
  });
  expect(manifest.parameters.subject?.description).toBe('what is to be seen');
  expect(manifest.constraints).toEqual([{ megapixels: ['width', 'high'] }]);
  expect(notes).toEqual([
    'the title $nothing marks node 6 (VAEDecode), which has no value to set',
    expect.stringMatching(/^the title \$__typename of node 10 is no name: expected a GraphQL name/),
    'the title $sigma of node 12 marks another type of value than the one before',
  ]);
});

test('prompts are followed through control nets, guiders and joined texts; positive comes first', async () => {
  const { manifest } = await add({
    '1': encode(['20', 0], 'CLIP Text Encode (Prompt)'),
    '2': encode('ugly', 'CLIP Text Encode (Prompt)'),
    '4': checkpoint,
    '5': node('ControlNetApplyAdvanced', { positive: ['1', 0], negative: ['2', 0], strength: 0.5, image: ['6', 0] }),
    '6': node('LoadImage', { image: 'pose.png' }),
    '7': sampler({ positive: ['5', 0], negative: ['5', 1] }),
    '20': node('StringConcatenate', { string_a: ['21', 0], string_b: 'in oil', delimiter: ', ' }),
    '21': node('PrimitiveString', { value: 'a cat' }),
    '30': node('BasicGuider', { model: ['4', 0], conditioning: ['31', 0] }),
    '31': node('FluxGuidance', { conditioning: ['32', 0], guidance: 3.5 }),
    '32': node('CLIPTextEncodeFlux', { clip: ['4', 1], clip_l: 'a dog', t5xxl: 'a dog', guidance: 3.5 }),
    '33': sampler({ positive: ['32', 0], negative: ['34', 0] }),
    '34': node('ConditioningZeroOut', { conditioning: ['32', 0] }),
  });
  expect(shown(manifest)).toMatchObject({
    prompt: 'string ! -> 21.value',
    promptStringB: 'string in oil -> 20.string_b',
    promptClipL: 'string a dog -> 32.clip_l 32.t5xxl',
    negativePrompt: 'string ugly -> 2.text',
    guidance: 'float 3.5 -> 31.guidance 32.guidance',
    strength: 'float 0.5 -> 5.strength',
  });
  expect(Object.keys(manifest.parameters).filter((name) => /prompt/i.test(name))).toHaveLength(4);
});

test('without a sampler that is known, text encoders are prompts by their titles', async () => {
  const { manifest } = await add({
    '1': encode('good', 'Positive'),
    '2': encode('bad', 'My negative prompt'),
    '3': node('MySampler', { a: ['1', 0], b: ['2', 0], noise_seed: 1 }),
    '4': checkpoint,
  });
  expect(shown(manifest)).toMatchObject({
    prompt: 'string ! -> 1.text',
    negativePrompt: 'string bad -> 2.text',
    seed: 'seed -> 3.noise_seed',
  });
});

test('the same thing in several places is one parameter, others get names that tell them apart', async () => {
  const { manifest } = await add({
    '1': node('KSamplerAdvanced', { noise_seed: 7, steps: 30, cfg: 8, sampler_name: 'euler', scheduler: 'karras' }),
    '2': node('KSamplerAdvanced', { noise_seed: 7, steps: 30, cfg: 4, sampler_name: 'euler', scheduler: 'karras' }),
    '3': node('EmptyLatentImage', { width: ['6', 0], height: 768, batch_size: 1 }),
    '4': node('ModelSamplingFlux', { width: ['6', 0], height: 768, model: ['9', 0] }),
    '5': node('ImageScale', { width: 1024, height: 768, upscale_method: 'area', image: ['8', 0] }, 'Upscale Image'),
    '6': node('PrimitiveInt', { value: 768 }, 'Edge'),
    '7': node(
      'LoraLoader',
      { lora_name: 'a.safetensors', strength_model: 1, strength_clip: 1, model: ['9', 0] },
      'Style',
    ),
    '8': node('LoadImage', { image: 'a.png' }, 'First'),
    '9': node('LoraLoader', { lora_name: 'b.safetensors', strength_model: 1, strength_clip: 1 }, 'Light'),
    '10': node('LoadImage', { image: 'a.png' }, 'Second'),
    '11': node('ImageToMask', { image: ['12', 0], channel: 'red' }),
    '12': node('LoadImage', { image: 'a.png' }),
    '13': node('PrimitiveFloat', { value: 0.5 }, 'How much light'),
    '14': node('SomeBlend', { amount: ['13', 0], image: ['10', 0] }),
  });
  expect(shown(manifest)).toEqual({
    image: 'image ! -> 8.image',
    imageSecond: 'image ! -> 10.image',
    mask: 'mask ! -> 12.image',
    width: 'int 768 -> 6.value',
    widthUpscaleImage: 'int 1024 -> 5.width',
    height: 'int 768 -> 3.height 4.height',
    heightUpscaleImage: 'int 768 -> 5.height',
    steps: 'int 30 -> 1.steps 2.steps',
    cfgScale: 'float 8 -> 1.cfg',
    cfgScale2: 'float 4 -> 2.cfg',
    sampler: 'enum EULER -> 1.sampler_name 2.sampler_name',
    scheduler: 'enum KARRAS -> 1.scheduler 2.scheduler',
    seed: 'seed -> 1.noise_seed 2.noise_seed',
    lora: 'model a.safetensors -> 7.lora_name',
    loraLight: 'model b.safetensors -> 9.lora_name',
    batchSize: 'int 1 -> 3.batch_size',
    strengthModel: 'float 1 -> 7.strength_model',
    strengthModelLight: 'float 1 -> 9.strength_model',
    strengthClip: 'float 1 -> 7.strength_clip',
    strengthClipLight: 'float 1 -> 9.strength_clip',
    howMuchLight: 'float 0.5 -> 13.value',
  });
  expect(manifest.parameters.loraLight?.description).toBe('File name of the LoRA. Of node 9, Light.');
});

test('a picture is added as what made it, and a note says where that was', async () => {
  const graph = { '1': node('EmptyImage', { color: 7 }), '2': node('SaveImage', { images: ['1', 0] }) };
  const file = await fileOf('a lighthouse.png', await pngWith(tEXt('prompt', JSON.stringify(graph))));
  const added = await add(graph, { file });
  expect(added.graph).toEqual(graph);
  expect(added.workflow.name).toBe('aLighthouse');
  expect(added.notes).toEqual(['the graph is prompt in its chunks tEXt, zTXt, iTXt and comf']);
  await expect(add(graph, { file: await fileOf('plain.png', await pngWith()) })).rejects.toThrow(
    /plain\.png cannot be added:\n {2}it is image\/png without a workflow: looked for/,
  );
});

test('seeds beyond 2^53, which no number holds, are kept as texts of their digits', async () => {
  const text = JSON.stringify({
    '1': node('RandomNoise', { noise_seed: 777 }),
    '2': sampler({ seed: ['3', 0] }),
    '3': node('PrimitiveInt', { value: 888 }),
    '4': checkpoint,
  }).replace(/777|888/g, '18446744073709551615');
  const { graph, manifest } = await add(text);
  expect(graph['1']?.inputs.noise_seed).toBe('18446744073709551615');
  expect(graph['3']?.inputs.value).toBe('18446744073709551615');
  expect(shown(manifest).seed).toBe('seed -> 1.noise_seed 3.value');
});

test('choices and limits are those of the server, whatever its choices are called', async () => {
  const theirs = objectInfoSchema.parse({
    KSampler: {
      input: {
        required: {
          sampler_name: [['euler', 'res 2s', 'res_2s', '++', '']],
          steps: ['INT', { min: 4, max: 50 }],
          seed: ['INT', { min: 0, max: 4294967295 }],
          cfg: ['FLOAT', { min: 0, max: 100 }],
        },
      },
      output: ['LATENT'],
    },
    Blend: { input: { required: { strength: ['INT', { min: 0, max: 10 }] } } },
  });
  const graph = {
    '1': node('KSampler', { sampler_name: 'new', steps: 60, seed: 1, cfg: 0.5 }),
    '2': node('Blend', { strength: 3 }),
    '3': node('Unknown', { image: ['1', 0] }),
  };
  const { manifest, notes, dir } = await add(graph, { name: 'first', candidates: [theirs] });
  expect(manifest.parameters).toMatchObject({
    sampler: {
      enumType: 'Sampler',
      choices: ['euler', 'res 2s', ['RES_2S_3', 'res_2s'], ['CHOICE_4', '++'], 'new'],
      default: 'NEW',
    },
    steps: { limits: { minimum: 4, maximum: 60 } },
    seed: { limits: { maximum: 4294967295 } },
    cfgScale: { limits: { minimum: 0.5, maximum: 30 } },
    strength: { type: 'int', limits: { minimum: 0, maximum: 10 } },
  });
  expect(notes).toEqual([
    'whether node 3 (Unknown) saves what it makes is not known; if jobs end as NO_OUTPUT, name it in outputs',
  ]);
  // Another workflow's Sampler has other choices.
  const other = await add({ '1': node('KSampler', { sampler_name: 'euler' }) }, { name: 'second', dir });
  expect(other.manifest.parameters.sampler?.enumType).toBe('SecondSampler');
  const third = await add(graph, { name: 'third', dir, candidates: [theirs] });
  expect(third.manifest.parameters.sampler?.enumType).toBe('Sampler');
});

test('a default that is longer than usual is within the limits', async () => {
  const { manifest } = await add({
    '1': encode('x '.repeat(3000), 'Positive'),
    '2': encode('y '.repeat(3000), 'Negative'),
    '3': sampler({ positive: ['1', 0], negative: ['2', 0] }),
    '4': checkpoint,
  });
  expect(manifest.parameters.negativePrompt?.limits).toEqual({ maxLength: 6000 });
});

test('where nothing is known, all that is set by hand can be set', async () => {
  const graph = { '1': node('Mystery', { amount: 3, Mode: 'x', on: true, x: ['2', 0] }), '2': node('Other', {}) };
  expect(shown((await add(graph)).manifest)).toEqual({
    amount: 'float 3 -> 1.amount',
    mode: 'string x -> 1.Mode',
    on: 'boolean true -> 1.on',
  });
});

test('nothing is overwritten unless told, and nothing is left of what was refused', async () => {
  const graph = { '1': node('Mystery', { amount: 3 }) };
  const { dir } = await add(graph, { name: 'mine' });
  await writeFile(join(dir, 'mine', 'notes.txt'), 'kept');
  await writeFile(join(dir, 'manifest.schema.json'), '{"of": "an older version"}');
  await expect(add({ '1': node('Mystery', { amount: 4 }) }, { dir, name: 'mine' })).rejects.toThrow(/--name.*--force/);
  await expect(add(graph, { dir, name: 'Mine' })).rejects.toThrow('the input type of Mine would be that of mine');
  await expect(add(graph, { dir, name: 'custom' })).rejects.toThrow("a caller's own graph");
  await expect(add(graph, { dir, name: 'a-b' })).rejects.toThrow('expected a GraphQL name');
  await expect(add({ '1': node('Mystery', {}) }, { dir, name: 'none' })).rejects.toThrow('a title like $prompt');
  await expect(add('{', { dir, name: 'none' })).rejects.toThrow('is not JSON');
  await expect(add({ '1': { inputs: {} } }, { dir, name: 'none' })).rejects.toThrow('1.class_type: expected the name');
  await expect(add({ nodes: [], links: [] }, { dir, name: 'none' })).rejects.toThrow('cannot be added');
  await expect(add(graph, { dir, name: 'none', file: join(dir, 'missing.json') })).rejects.toThrow('cannot be read');
  expect(JSON.parse(await readFile(join(dir, 'mine', 'graph.json'), 'utf8'))).toEqual(graph);
  const replaced = await add({ '1': node('Mystery', { amount: 4 }) }, { dir, name: 'mine', force: true });
  expect(replaced.manifest.parameters.amount?.default).toBe(4);
  expect((await readdir(dir)).sort()).toEqual(['manifest.schema.json', 'mine', 'the-export.json']);
  expect((await readdir(join(dir, 'mine'))).sort()).toEqual(['graph.json', 'manifest.json', 'notes.txt']);
  const schema = await readFile(join(dir, 'manifest.schema.json'), 'utf8');
  expect(JSON.parse(schema)).toEqual(await readJson('workflows/manifest.schema.json'));
});

test('a workflow beside it that cannot be used is told, and does not stand in the way', async () => {
  const dir = await workflowsFolder({ 'broken/manifest.json': '{' });
  const file = join(dir, 'x.json');
  await mkdir(join(dir, 'empty'));
  await writeFile(file, JSON.stringify({ '1': node('Mystery', { amount: 3 }) }));
  const added = await addWorkflow({
    file,
    name: null,
    dir,
    force: false,
    candidates: [stock],

    stock,
    maxMegapixels: 4,
  });
  expect(added.workflow.name).toBe('x');
  expect(added.notes.join('\n')).toContain('another workflow cannot be used: broken/manifest.json: is not JSON');
});

test('a name is made of the file', () => {
  const names: { [file: string]: string } = {
    '/a/b/my-export.json': 'myExport',
    'SDXL Portrait (API).json': 'sdxlPortraitApi',
    'FluxDev.JSON': 'fluxDev',
    '30_text_to_image.json': 'workflow30TextToImage',
    'übung.json': 'ubung',
    'wan 2.1_00001.mp4': 'wan2100001',
    'flux1.5': 'flux15',
    '日本.json': 'exported',
    'custom.json': 'customWorkflow',
    'generate.json': 'generateWorkflow',
  };
  for (const [file, name] of Object.entries(names)) expect(workflowName(file)).toBe(name);
});

test('whatever an export holds, what is made of it loads', async () => {
  const inputName = fc.oneof(
    fc.constantFrom(
      'text',
      'seed',
      'width',
      'height',
      'steps',
      'cfg',
      'sampler_name',
      'scheduler',
      'ckpt_name',
      'image',
    ),
    fc.constantFrom('positive', 'negative', 'denoise', 'latent_image', 'strength_model', 'batch_size', 'clip', 'value'),
    fc.string({ minLength: 1, maxLength: 80 }).filter((name) => name !== '__proto__' && !name.includes('\0')),
  );
  const text = fc.string({ unit: 'grapheme', maxLength: 60 }).map((it) => it.replaceAll('\0', '').toWellFormed());
  const value = fc.oneof(
    text,
    fc.constantFrom('euler', 'normal', 'x.safetensors', '../x.safetensors', 'a.png', '', ' '),
    fc.maxSafeInteger(),
    fc.integer({ min: -5, max: 5000 }),
    fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 }),
    fc.boolean(),
    fc.constant(null),
    fc.tuple(fc.constantFrom('1', '2', '3'), fc.nat(2)),
    fc.record({ on: fc.boolean(), lora: fc.constantFrom('x.safetensors', 'None', ''), strength: fc.integer() }),
    fc.record({
      __value__: fc.array(fc.record({ model: fc.constantFrom('x.gguf', 'y'), clipStrength: fc.integer() })),
    }),
    fc.constantFrom('%width%', '{{prompt}}', '$seed$', '__STEPS__', '%sampler%', '%%%', `$${'{x}'}`, '{constructor}'),
  );
  const classType = fc.oneof(
    fc.constantFrom('KSampler', 'CLIPTextEncode', 'LoadImage', 'PrimitiveInt', 'PrimitiveString', 'EmptyLatentImage'),
    fc.constantFrom('CheckpointLoaderSimple', 'ConditioningZeroOut', 'PreviewImage', 'SomeLoader', 'BasicGuider'),
  );
  const title = fc.oneof(text, fc.constantFrom('$prompt', '$a $b', '$seed: x', '$__x', '$text'));
  const anyNode = fc.record({
    class_type: classType,
    inputs: fc.dictionary(inputName, value, { maxKeys: 8 }),
    _meta: fc.record({ title }),
  });
  await fc.assert(
    fc.asyncProperty(fc.record({ '1': anyNode, '2': anyNode, '3': anyNode }), async (graph) => {
      await add(graph).catch((error: unknown) => {
        if (!String(error).includes('nothing in it is set by hand')) throw error;
      });
    }),
    { numRuns: 100 },
  );
}, 60_000);
