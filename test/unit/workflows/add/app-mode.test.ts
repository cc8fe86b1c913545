import { expect, test } from 'vitest';
import type { AppMode } from '../../../../src/workflows/editor/app-mode.ts';
import { made, node, textToImage } from './made.ts';

const input = (name: string, title: string | null, ...targets: [node: string, input: string][]) => ({
  name,
  title,
  targets: targets.map(([node, input]) => ({ node, input })),
});
const app = (inputs: AppMode['inputs'], outputs: string[] = ['9']): AppMode => ({ inputs, outputs });

test('the parameters are what the author chose, in that order, with those names, and no others', async () => {
  const { shown, manifest, notes } = await made(textToImage(), {
    app: app([
      input('steps', null, ['3', 'steps']),
      input('text', 'What to avoid', ['7', 'text']),
      input('text', 'What you see', ['6', 'text']),
      input('cfg', null, ['3', 'cfg']),
      input('sampler_name', null, ['3', 'sampler_name']),
      input('noise_seed', null, ['3', 'seed']),
    ]),
  });
  expect(Object.entries(shown)).toEqual([
    ['steps', 'int 4 -> 3.steps'],
    ['whatToAvoid', 'string blurry -> 7.text'],
    ['whatYouSee', 'string ! -> 6.text'],
    ['cfg', 'float 7 -> 3.cfg'],
    ['samplerName', 'enum EULER -> 3.sampler_name'],
    ['noiseSeed', 'seed -> 3.seed'],
  ]);
  expect(manifest.outputs).toEqual([{ node: '9' }]);
  expect(notes).toEqual([]);
});

test('limits are those of the class, and nothing is hidden in forms', async () => {
  const { workflow, manifest } = await made(textToImage(), {
    app: app([input('width', null, ['5', 'width']), input('sampler', null, ['3', 'sampler_name'])]),
  });
  expect(manifest.parameters.width?.limits).toEqual({ minimum: 16, maximum: 16384 });
  expect(workflow.parameters.map(({ advanced }) => advanced)).toEqual([false, false]);
  // Nothing of it has to be given: the author has not chosen the prompt.
  expect(workflow.parse({}, []).ok).toBe(true);
});

test('titles are kept for forms where the name does not say the same', async () => {
  const { workflow } = await made(textToImage(), {
    app: app([
      input('text', 'Beschreibung für das Bild', ['6', 'text']),
      input('steps', 'Steps', ['3', 'steps']),
      input('cfg', '画质', ['3', 'cfg']),
      input('width', 'How many pixels the picture has from the left to the right', ['5', 'width']),
    ]),
  });
  expect(workflow.parameters.map(({ name, title }) => `${name}: ${title}`)).toEqual([
    'beschreibungFurDasBild: Beschreibung für das Bild',
    'steps: Steps',
    'cfg: 画质',
    'width: How many pixels the picture has from the left to the right',
  ]);
});

test('one input may go to several places, and each place has one parameter', async () => {
  const { shown } = await made(
    textToImage({ '10': node('EmptyLatentImage', { width: 768, height: 768, batch_size: 1 }) }),
    {
      app: app([
        input('size', null, ['5', 'width'], ['5', 'height'], ['10', 'width']),
        input('height', null, ['5', 'height'], ['10', 'height']),
        input('amount', null, ['5', 'batch_size']),
        input('amount', null, ['10', 'batch_size']),
      ]),
    },
  );
  expect(shown).toMatchObject({
    size: 'int 512 -> 5.width 5.height 10.width',
    height: 'int 768 -> 10.height',
    amount: 'int 1 -> 5.batch_size',
  });
  expect(Object.values(shown)).toContain('int 1 -> 10.batch_size');
});

test('input files have to be given, and those that the app does not ask for are noted', async () => {
  const graph = {
    '1': node('LoadImage', { image: 'a.png' }),
    '2': node('LoadImage', { image: 'b.png' }, 'Style'),
    '3': node('ImageBlend', { image1: ['1', 0], image2: ['2', 0], blend_factor: 0.5, blend_mode: 'normal' }),
    '9': node('SaveImage', { images: ['3', 0], filename_prefix: 'x' }),
  };
  const { shown, notes } = await made(graph, {
    app: app([input('image', 'Picture', ['1', 'image']), input('blend_mode', null, ['3', 'blend_mode'])]),
  });
  expect(shown).toEqual({ picture: 'image ! -> 1.image', blendMode: 'enum NORMAL -> 3.blend_mode' });
  expect(notes).toEqual(['the app does not ask for the files of node 2 (Style): they have to be on every server']);
});

test('what only holds a value is named for what it is, unless the author named it', async () => {
  const graph = textToImage({
    '5': node('EmptyLatentImage', { width: ['20', 0], height: ['21', 0], batch_size: 1 }),
    '20': node('PrimitiveInt', { value: 640 }),
    '21': node('PrimitiveInt', { value: 480 }),
  });
  const inputs = [input('value', null, ['20', 'value']), input('value', 'Tall', ['21', 'value'])];
  expect(Object.keys((await made(graph, { app: app(inputs) })).shown)).toEqual(['width', 'tall']);
});

test('a value behind a link is set where it is held', async () => {
  const graph = textToImage({
    '5': node('EmptyLatentImage', { width: ['20', 0], height: 512, batch_size: 1 }),
    '20': node('PrimitiveInt', { value: 640 }),
  });
  const { shown } = await made(graph, { app: app([input('width', null, ['5', 'width'])]) });
  expect(shown).toEqual({ width: 'int 640 -> 20.value' });
});

test('an input that has no value is left out with a note, and an app of none is none', async () => {
  const graph = textToImage({ '11': node('ImageCropV2', { crop_region: { x: 0, y: 0 }, image: ['8', 0] }) });
  const crop = input('crop_region', 'Part', ['11', 'crop_region']);
  const chosen = await made(graph, { app: app([crop, input('steps', null, ['3', 'steps']), input('gone', null)]) });
  expect(Object.keys(chosen.shown)).toEqual(['steps']);
  expect(chosen.notes).toEqual(['inputs of the app that have no value of their own are left out: "Part", "gone"']);
  const outputsAlone = await made(graph, { app: app([]) });
  expect(outputsAlone.notes.join()).not.toContain('app');
  expect(outputsAlone.manifest.parameters.sampler?.advanced).toBe(true);
  const none = await made(graph, { app: app([crop]) });
  expect(Object.keys(none.shown)).toContain('prompt');
  expect(none.notes[0]).toContain('no input that the app shows can be set');
});

test('outputs are what the author chose, with the names that nodes were given', async () => {
  const graph = textToImage({
    '9': node('SaveImage', { filename_prefix: 'x', images: ['8', 0] }, 'Save Image'),
    '10': node('SaveImage', { filename_prefix: 'y', images: ['8', 0] }, 'The picture'),
    '12': node('PreviewImage', { images: ['8', 0] }),
  });
  const { manifest } = await made(graph, {
    app: app([input('steps', null, ['3', 'steps'])], ['12', '10', '12', '99']),
  });
  expect(manifest.outputs).toEqual([{ node: '12' }, { node: '10', name: 'The picture' }]);
  const all = await made(graph, { app: app([input('steps', null, ['3', 'steps'])], []) });
  expect(all.manifest.outputs).toBeUndefined();
});

test('of a choice that other inputs depend on, those are offered for which the graph has values', async () => {
  const format = {
    key: 'mp4',
    inputs: { required: { crf: ['INT', { default: 23 }] } },
  };
  const Save = {
    input: {
      required: {
        images: ['IMAGE'],
        format: [
          'COMFY_DYNAMICCOMBO_V3',
          {
            options: [
              { key: 'auto', inputs: {} },
              format,
              { ...format, key: 'webm' },
              { key: 'gif', inputs: { required: { colours: ['INT', {}] } } },
            ],
          },
        ],
      },
    },
    output_node: true,
  };
  const graph = textToImage({ '9': node('Save', { images: ['8', 0], format: 'mp4', 'format.crf': 20 }) });
  const { manifest } = await made(graph, {
    classes: { Save },
    app: app([input('format', null, ['9', 'format']), input('format.crf', 'Quality', ['9', 'format.crf'])]),
  });
  expect(manifest.parameters.format).toMatchObject({ type: 'enum', choices: ['auto', 'mp4', 'webm'], default: 'MP4' });
  expect(manifest.parameters.quality).toMatchObject({ type: 'int', default: 20 });
});
