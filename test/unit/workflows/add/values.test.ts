import { expect, test } from 'vitest';
import { declared, encode, infer, node, picture, sampler, texts } from './inferred.ts';

/** A picture whose prompt, width and steps come from nodes 90, 91 and 92. */
const valued = (nodes: { [id: string]: object }) =>
  picture({
    '3': sampler({ steps: ['92', 0] }),
    '5': node('EmptyLatentImage', { width: ['91', 0], height: 512 }),
    '6': encode(['90', 0]),
    ...nodes,
  });
const three = (text: string, int: string, inputs: (value: string | number) => object) => ({
  '90': node(text, inputs('a lighthouse'), 'prompt'),
  '91': node(int, inputs(512), 'width'),
  '92': node(int, inputs(4), 'steps'),
});

const holding: { [what: string]: { [id: string]: object } } = {
  'of ComfyUI': three('PrimitiveString', 'PrimitiveInt', (value) => ({ value })),
  'of a pack, called by their kinds': three('easy string', 'easy int', (value) => ({ value })),
  'of a pack, with another name': three('ParamString', 'ParamInt', (value) => ({ value })),
  'with an input of another name': three('Box', 'Slider', (value) => ({ content: value })),
  'that also say how they are shown': three('ExternalText', 'ExternalNumber', (value) => ({
    input_id: 'prompt',
    display_name: '',
    description: '',
    default_value: value,
  })),
  'that are told to change after each run': three('Words', 'Counter', (value) => ({
    number: value,
    control_after_generate: 'fixed',
  })),
};

test.for(Object.keys(holding))('a node that holds one value is that value: nodes %s', (what) => {
  const { parameters, notes } = infer(valued(holding[what] ?? {}));
  expect(Object.keys(parameters).sort()).toEqual(
    ['cfgScale', 'height', 'model', 'negativePrompt', 'prompt', 'seed', 'steps', 'width'].sort(),
  );
  expect(parameters.prompt).toMatch(/^!90\./);
  expect([parameters.width, parameters.steps]).toEqual([
    expect.stringMatching(/^91\./),
    expect.stringMatching(/^92\./),
  ]);
  expect(notes).toEqual([]);
});

test('values are followed through nodes that pass them on', () => {
  const passed = valued({
    ...three('PrimitiveString', 'PrimitiveInt', (value) => ({ value })),
    '5': node('EmptyLatentImage', { width: ['95', 0], height: 512 }),
    '6': encode(['93', 0]),
    '93': node('Reroute (of a pack)', { '': ['94', 0] }),
    '94': node('PrimitiveString', { value: ['90', 0] }),
    '95': node('Show', { anything: ['91', 0] }),
  });
  const { parameters } = infer(passed, { Show: declared({ anything: ['*', {}] }, ['INT']) });
  expect(parameters).toMatchObject({ prompt: '!90.value', width: '91.value', steps: '92.value' });
  const circle = valued({ '90': node('PrimitiveString', { value: ['90', 0] }) });
  expect(texts(infer(circle))).toEqual({ negativePrompt: '7.text' });
});

test('a class is taken at its word: what only looks like a value is not one', () => {
  const graph = valued({
    '90': node('ReadText', { file_path: 'a.txt' }),
    '91': node('TextLength', { text: 'a lighthouse' }),
    '92': node('RandomInt', { least: 1, most: 9 }),
  });
  const classes = {
    ReadText: declared({ file_path: ['STRING', {}] }, ['STRING']),
    TextLength: declared({ text: ['STRING', {}] }, ['INT']),
    RandomInt: declared({ least: ['INT', {}], most: ['INT', {}] }, ['INT']),
  };
  const { parameters, notes } = infer(graph, classes);
  expect(Object.keys(parameters).sort()).toEqual(['cfgScale', 'height', 'model', 'negativePrompt', 'seed']);
  expect(notes).toEqual([
    'left as they are: the values of nodes 90 (ReadText), 91 (TextLength) and 92 (RandomInt), which go to others',
  ]);
});

test('a node with several outputs holds what the output that is used is named for', () => {
  const Seed = declared({ seed: ['INT', {}], help: [['yes', 'no']] }, ['INT:seed', 'STRING:show_help']);
  const graph = picture({ '3': sampler({ seed: ['90', 0] }), '90': node('Seed', { seed: 5, help: 'no' }) });
  expect(infer(graph, { Seed }).parameters.seed).toBe('90.seed');
});

const titles: { [title: string]: string } = {
  'How bright': 'howBright',
  'Int (Brightness)': 'brightness',
  'String (Multiline - Brightness)': 'brightness',
  Int: 'gain',
  'Int (Multiline)': 'gain',
  PrimitiveFloat: 'gain',
};

test.for(Object.keys(titles))('a value is named after its title, or what it goes to: %s', (title) => {
  const graph = picture({
    '60': node('Brighten', { gain: ['61', 0], image: ['8', 0] }),
    '61': node('ComfyMathExpression', { expression: 'a * 2', 'values.a': ['62', 0] }),
    '62': node('PrimitiveFloat', { value: 0.5 }, title),
  });
  expect(infer(graph).parameters).toMatchObject({ [titles[title] ?? '']: '62.value' });
});

test('a value for the names of files is none for callers', () => {
  const graph = picture({
    '9': node('SaveImage', { filename_prefix: ['60', 0], images: ['8', 0] }),
    '60': node('PrimitiveString', { value: 'out/picture' }, 'Folder'),
  });
  expect(Object.values(infer(graph).parameters)).not.toContain('60.value');
});
