import { expect, test } from 'vitest';
import { declared, encode, infer, inferFrom, node, picture, TEXT, texts } from './inferred.ts';

const VIDEO = ['VIDEO'];
const model = (option: string, inputs: { [input: string]: unknown }) => [
  'COMFY_DYNAMICCOMBO_V3',
  { options: [{ key: option, inputs: { required: inputs } }] },
];
const each = (input: unknown) => [
  'COMFY_AUTOGROW_V3',
  { template: { input: { required: { text: input } }, prefix: 'text' } },
];

const behind: { [what: string]: [object, object, { [name: string]: string }] } = {
  'a prompt of a model': [
    declared({ model: model('fast', { prompt: TEXT }) }, VIDEO),
    { model: 'fast', 'model.prompt': 'a boat' },
    { prompt: '!1.model.prompt' },
  ],
  'both sides of a model': [
    declared({ model: model('fast', { prompt: TEXT, negative_prompt: TEXT }) }, VIDEO),
    { model: 'fast', 'model.prompt': 'a boat', 'model.negative_prompt': 'blurry' },
    { prompt: '!1.model.prompt', negativePrompt: '1.model.negative_prompt' },
  ],
  'any number of texts': [
    declared({ inputs: each(TEXT) }, ['AUDIO']),
    { 'inputs.text1': 'Hello.', 'inputs.text2': 'Good morning to you, too.' },
    { prompt: '!1.inputs.text1', promptText2: '1.inputs.text2' },
  ],
  'several scenes of a film': [
    declared({ shots: model('two', { scene_1_prompt: TEXT, scene_2_prompt: TEXT }) }, VIDEO),
    { shots: 'two', 'shots.scene_1_prompt': 'It begins.', 'shots.scene_2_prompt': 'It ends in the evening.' },
    { prompt: '!1.shots.scene_1_prompt', scene2Prompt: '1.shots.scene_2_prompt' },
  ],
  'words to speak': [
    declared({ speech: model('text', { text: TEXT }) }, VIDEO),
    { speech: 'text', 'speech.text': 'Hello.' },
    { prompt: '!1.speech.text' },
  ],
  'a text of a class that is not known': [
    declared({}, VIDEO),
    { model: 'fast', 'model.prompt': 'a boat', 'model.duration': 5 },
    { prompt: '!1.model.prompt', seconds: '1.model.duration' },
  ],
};

test.for(Object.keys(behind))('prompts behind dynamic inputs are found: %s', (what) => {
  const [Film, inputs, expected] = behind[what] ?? [{}, {}, {}];
  const known = what.includes('not known') ? {} : { Film };
  const graph = { '1': node('Film', inputs), '2': node('SaveVideo', { video: ['1', 0] }) };
  expect(infer(graph, known).parameters).toEqual(expected);
});

const partner: { [what: string]: [object, object, { [name: string]: string }] } = {
  'a prompt beside instructions': [
    declared({ prompt: TEXT, system_prompt: TEXT }, ['IMAGE', 'STRING']),
    { prompt: 'a boat', system_prompt: 'You are an expert.' },
    { prompt: '!1.prompt' },
  ],
  'a text of another name': [
    declared({ edit_instruction: TEXT }, ['IMAGE']),
    { edit_instruction: 'Make it blue.' },
    { prompt: '!1.edit_instruction' },
  ],
  'a prompt in one line, with another side': [
    declared({ prompt: TEXT, negative_prompt: ['STRING', {}] }, ['IMAGE']),
    { prompt: 'a boat', negative_prompt: '' },
    { prompt: '!1.prompt', negativePrompt: '1.negative_prompt' },
  ],
  'a text that is the result itself': [
    declared({ prompt: TEXT, model: [['m']] }, ['STRING']),
    { prompt: 'Tell a story.', model: 'm' },
    { prompt: '!1.prompt' },
  ],
  'a text for programs beside it': [
    declared({ prompt: TEXT, camera_json: TEXT }, ['IMAGE']),
    { prompt: 'a boat', camera_json: '{"x": 1}' },
    { prompt: '!1.prompt' },
  ],
};

test.for(Object.keys(partner))('a node that makes everything by itself has its prompt: %s', (what) => {
  const [Partner, inputs, expected] = partner[what] ?? [{}, {}, {}];
  const graph = { '1': node('Partner', inputs), '2': node('Save', { images: ['1', 0] }) };
  expect(texts(infer(graph, { Partner }))).toEqual(expected);
});

test('instructions that are left as they are stand in a note', () => {
  const [Partner, inputs] = partner['a prompt beside instructions'] ?? [{}, {}];
  const graph = { '1': node('Partner', inputs as object), '2': node('Save', { images: ['1', 0] }) };
  expect(infer(graph, { Partner: Partner as object }).notes).toEqual([
    'left as it is: system_prompt of node 1 (Partner)',
  ]);
});

const shown = { '6': encode(['70', 0]), '71': node('Describe', { prompt: 'a boat', url: 'http://127.0.0.1' }) };
const echoes: { [what: string]: [{ [id: string]: object }, { [name: string]: object }] } = {
  'a class that is not known': [
    { ...shown, '70': node('ShowText|pysssss', { text: ['71', 0], text_0: 'what it said the last time' }) },
    {},
  ],
  'a class that does not declare it': [
    { ...shown, '70': node('Show', { text: ['71', 0], shown_text: 'what it said the last time' }) },
    { Show: declared({ text: ['STRING', { forceInput: true }] }, ['STRING']) },
  ],
  'a list of what was shown': [
    { ...shown, '70': node('ShowAny', { text: ['71', 0], text_0: 'what it said', text_1: 'the last time' }) },
    {},
  ],
  'at the end of a graph': [
    {
      ...shown,
      '70': node('ShowText', { text: ['71', 0], text_0: 'what it said the last time' }),
      '72': node('ShowText', { text: ['70', 0], text_0: 'what it said the last time' }),
    },
    {},
  ],
  'of another text than the prompt': [
    {
      '6': encode(['71', 0]),
      '71': shown['71'],
      '73': node('ShowText', { value: ['8', 0], value_0: 'a description of the picture' }),
    },
    {},
  ],
};

test.for(Object.keys(echoes))('what a node showed the last time is no parameter: %s', (what) => {
  const [nodes, classes] = echoes[what] ?? [{}, {}];
  const { parameters, notes } = infer(picture(nodes), classes);
  expect(texts({ parameters, notes })).toEqual({ prompt: '!71.prompt', negativePrompt: '7.text' });
  expect(notes).toEqual([
    expect.stringMatching(/^no input of its class, or what it showed the last time: a text of node/),
  ]);
});

const records: { [what: string]: { [id: string]: object } } = {
  'metadata of a file': { '9': node('SaveWithMetadata', { images: ['8', 0], positive: 'a boat', negative: 'dull' }) },
  'a caption for a log': { '9': node('Upload', { image: ['8', 0], caption: 'a picture of a boat', text: 'new one' }) },
  'what is written beside a sound': { '10': node('SaveSound', { audio: ['8', 0], prompt: 'a sound of today' }) },
  'what a video is called': { '9': node('PostVideo', { video: ['8', 0], description: 'a film of a boat' }) },
  'a text shown with a picture': { '12': node('Compare', { image_a: ['8', 0], text: 'before and after' }) },
};

test.for(Object.keys(records))('what says something of a result is no prompt of it: %s', (what) => {
  const found = texts(infer(picture(records[what])));
  expect(found).toMatchObject({ prompt: '!6.text', negativePrompt: '7.text' });
  expect(Object.values(found).filter((place) => /^!?(?:9|10|12)\./.test(place))).toEqual([]);
});

test('a node at the end that may make the result has its prompt where no other node has one', () => {
  const graph = {
    '1': node('LoadImage', { image: 'a.png' }),
    '2': node('MakeFilm', { image: ['1', 0], prompt: 'a boat' }),
  };
  expect(texts(infer(graph))).toEqual({ prompt: '!2.prompt' });
});

test('what to leave out of a list of words is no prompt, empty or not, of classes known and not', () => {
  const inputs = { image: ['1', 0], threshold: 0.35, ignored_text: 'x', exclude_tags: '' };
  const graph = { '1': node('LoadImage', { image: 'a.png' }), '2': node('Tagger', inputs) };
  expect(infer(graph).parameters).toEqual({ image: '1.image' });
  const Tagger = declared({ image: ['IMAGE'], exclude_tags: ['STRING', {}], ignored_text: TEXT }, ['STRING']);
  expect(texts(infer(graph, { Tagger }))).toEqual({});
});

test('notes are few however much is left out', () => {
  const many = Object.fromEntries(
    Array.from({ length: 300 }, (_, at) => [`${100 + at}`, node('Mystery', { [`a${at % 40}`]: 'some words here' })]),
  );
  const { notes } = infer(picture(many));
  expect(notes.length).toBeLessThan(6);
  expect(Math.max(...notes.map((note) => note.length))).toBeLessThan(300);
  expect(notes[0]).toMatch(/^left as it is: a0 of nodes 100 \(Mystery\), 140 \(Mystery\).* and 3 more$/);
});

test('without any definition, the graph alone tells the prompts, sizes and steps', () => {
  expect(inferFrom(picture(), new Map()).parameters).toMatchObject({
    prompt: '!6.text',
    negativePrompt: '7.text',
    width: '5.width',
    steps: '3.steps',
  });
});
