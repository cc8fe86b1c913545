import { expect, test } from 'vitest';
import type { Json } from '../../../../src/core/job.ts';
import { bindTemplate, parseTemplate } from '../../../../src/core/template.ts';
import { made, node, sampler, textToImage } from './made.ts';

const row = (lora: string, more = {}) => ({ on: true, lora, strength: 0.8, ...more });
const withLoras = (class_type: string, inputs: { [name: string]: Json }) =>
  textToImage({ '50': node(class_type, { ...inputs, model: ['4', 0] }), '3': sampler({ model: ['50', 0] }) });
const powerLoras = (rows: { [name: string]: Json }) =>
  withLoras('Power Lora Loader (rgthree)', {
    PowerLoraLoaderHeaderWidget: { type: 'PowerLoraLoaderHeaderWidget' },
    ...rows,
    '➕ Add Lora': '',
  });
/** The parameters that go to the node with the rows. */
async function found(graph: ReturnType<typeof textToImage>, classes = {}) {
  const { shown, notes, ...rest } = await made(graph, { classes });
  const own = Object.fromEntries(Object.entries(shown).filter(([, text]) => text.includes('-> 50.')));
  return { own, notes, ...rest };
}

test('the model and the strength of a row are parameters', async () => {
  const { own, manifest, notes, workflow } = await found(powerLoras({ lora_1: row('style.safetensors') }));
  expect(own).toEqual({
    lora: 'model style.safetensors -> 50.lora_1.lora',
    strength: 'float 0.8 -> 50.lora_1.strength',
  });
  expect(manifest.parameters.lora?.model).toBe('LoraLoader.lora_name');
  expect(manifest.parameters.strength?.limits).toEqual({ minimum: -10, maximum: 10 });
  expect(notes).toEqual([]);
  const parsed = workflow.parse({ prompt: 'x', strength: 0.5 }, []);
  expect(bindTemplate(parseTemplate(workflow.template.text), parsed.parameters)['50']?.inputs.lora_1).toEqual(
    row('style.safetensors', { strength: 0.5 }),
  );
});

test('rows are told apart by their numbers, and those that are off or empty are left out with a note', async () => {
  const { own, notes } = await found(
    powerLoras({
      lora_1: row('a.safetensors'),
      lora_2: row('b.safetensors', { on: false }),
      lora_3: row('None'),
      lora_4: row('c.safetensors', { strengthTwo: 0.4 }),
    }),
  );
  expect(own).toEqual({
    lora1: 'model a.safetensors -> 50.lora_1.lora',
    lora2: 'model c.safetensors -> 50.lora_4.lora',
    strength1: 'float 0.8 -> 50.lora_1.strength',
    strength2: 'float 0.8 -> 50.lora_4.strength',
    strengthTwo2: 'float 0.4 -> 50.lora_4.strengthTwo',
  });
  expect(notes.join('\n')).toContain('values inside of objects of node 50');
});

test('rows in a list of an object are found, and rows without a file name have a strength alone', async () => {
  const loras = { __value__: [{ name: 'style', strength: 0.7, clipStrength: 0.6, active: true }] };
  const { own } = await found(withLoras('Lora Loader (LoraManager)', { loras }));
  expect(own).toEqual({
    strength: 'float 0.7 -> 50.loras.__value__.0.strength',
    clipStrength: 'float 0.6 -> 50.loras.__value__.0.clipStrength',
  });
});

test('the choices of a model inside of an object are those of a list that has it', async () => {
  const classes = { SomeLoader: { input: { required: { upscaler: [['x4.pth', 'x2.pth']] } } } };
  const { manifest } = await found(withLoras('Mystery', { settings: { first: { model: 'x4.pth' } } }), classes);
  expect(Object.values(manifest.parameters).find(({ model }) => model === 'SomeLoader.upscaler')?.targets).toEqual([
    { node: '50', input: 'settings', path: ['first', 'model'] },
  ]);
});

test('a model of which no list is known is a text', async () => {
  const { manifest } = await found(withLoras('Mystery', { settings: { engine: 'some.gguf' } }));
  expect(manifest.parameters.engine).toMatchObject({ type: 'string', default: 'some.gguf' });
});

test('other values inside of objects are left as they are, which a note says', async () => {
  const crop = { x: 0, y: 0, width: 512, height: 512 };
  const { own, notes } = await found(withLoras('ImageCropV2', { crop_region: crop, compare: { __value__: ['', ''] } }));
  expect(own).toEqual({});
  expect(notes.join('\n')).toContain('values inside of objects of node 50 (ImageCropV2) are left as they are');
});
