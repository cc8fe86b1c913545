import { expect, test } from 'vitest';
import { made, node, textToImage } from './made.ts';

const Frame = {
  input: { required: { images: ['IMAGE'], aspect: ['STRING', {}] } },
  output: ['IMAGE'],
  output_name: ['IMAGE'],
};
const framed = (options: { [input: string]: string }, nodes = {}) =>
  textToImage({
    '50': node('CustomCombo', { choice: '9:16', index: 1, ...options }, 'Aspect'),
    '51': node('Frame', { images: ['8', 0], aspect: ['50', 0] }),
    '9': node('SaveImage', { filename_prefix: 'x', images: ['51', 0] }),
    ...nodes,
  });

test('the choices that an author has written into a node are those of callers', async () => {
  const options = { option1: '16:9', option2: '9:16', option3: '4s ', option4: '高', option5: '' };
  const { manifest, workflow } = await made(framed(options), { classes: { Frame } });
  expect(manifest.parameters.aspect).toMatchObject({ type: 'enum', targets: [{ node: '50', input: 'choice' }] });
  const aspect = workflow.parameters.find(({ name }) => name === 'aspect');
  expect(aspect).toMatchObject({
    default: '_9_16',
    choices: [
      { value: '_16_9', label: '16:9' },
      { value: '_9_16', label: '9:16' },
      { value: '_4S_', label: '4s ' },
      { value: 'CHOICE_4', label: '高' },
    ],
  });
  expect(workflow.parse({ prompt: 'x', aspect: '1:1' }, [])).toMatchObject({ ok: false });
});

test('a node without choices takes any text', async () => {
  const { manifest } = await made(framed({ option1: '' }), { classes: { Frame } });
  expect(manifest.parameters.aspect).toMatchObject({ type: 'string', default: '9:16' });
});

test('a choice whose place among the others is used too stays as it is, with a note', async () => {
  const scaled = { '52': node('ImageScaleBy', { image: ['51', 0], upscale_method: 'area', scale_by: ['50', 1] }) };
  const saved = { '9': node('SaveImage', { filename_prefix: 'x', images: ['52', 0] }) };
  const graph = framed({ option1: '16:9', option2: '9:16' }, { ...scaled, ...saved });
  const { manifest, notes } = await made(graph, { classes: { Frame } });
  expect(Object.values(manifest.parameters).flatMap(({ targets }) => targets.map((at) => at.node))).not.toContain('50');
  expect(notes).toContain('left as they are: the values of node 50 (Aspect), which go to others');
});
