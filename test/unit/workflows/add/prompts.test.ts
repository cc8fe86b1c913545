import { expect, test } from 'vitest';
import { declared, encode, infer, inferFrom, node, picture, sampler, TEXT, texts } from './inferred.ts';

const both = { prompt: '!6.text', negativePrompt: '7.text' };
const sides = { positive: ['6', 0], negative: ['7', 0] };
/** A sampler that takes both sides of node 60, from these outputs. */
const through = (positive: number, negative: number) =>
  sampler({ positive: ['60', positive], negative: ['60', negative] });

const passing: { [what: string]: { [id: string]: object } } = {
  'a control net': { '3': through(0, 1), '60': node('ControlNetApplyAdvanced', { ...sides, strength: 1 }) },
  'conditioning for inpainting': { '3': through(0, 1), '60': node('InpaintModelConditioning', sides) },
  'outputs that a model comes before': {
    '3': through(1, 2),
    '60': node('LTXVReferenceAudio', { ...sides, model: ['4', 0] }),
  },
  'a class that is not known': { '3': through(1, 2), '60': node('ApplyInstantID', { ...sides, weight: 0.8 }) },
  'a context that is not known': {
    '3': through(4, 5),
    '60': node('Context (rgthree)', { base_ctx: ['61', 0] }),
    '61': node('Context (rgthree)', { ...sides, clip: ['4', 1] }),
  },
  'a pipe from which both are taken': {
    '3': through(3, 4),
    '60': node('FromBasicPipe', { basic_pipe: ['61', 0] }),
    '61': node('ToBasicPipe', { ...sides, model: ['4', 0] }),
  },
  'a pipe that a sampler takes as it is': {
    '3': node('PipeSampler', { basic_pipe: ['61', 0], seed: 1 }),
    '61': node('ToBasicPipe', { ...sides, model: ['4', 0] }),
  },
  'two in a row, one of them not known': {
    '3': through(0, 1),
    '60': node('ControlNetApplyAdvanced', { positive: ['61', 1], negative: ['61', 2], strength: 1 }),
    '61': node('ApplyInstantID', { ...sides, weight: 0.8 }),
  },
};

test.for(Object.keys(passing))('both sides are followed through %s', (what) => {
  const found = infer(picture(passing[what]));
  expect(texts(found)).toMatchObject(both);
  expect(found.notes).toEqual([]);
});

test('a side is that of the output that a link leaves, also where links cross', () => {
  const crossed = { '3': through(1, 0), '60': node('ControlNetApplyAdvanced', { ...sides, strength: 1 }) };
  expect(texts(infer(picture(crossed)))).toEqual({ prompt: '!7.text', negativePrompt: '6.text' });
});

test('what a class calls its outputs counts, and not their order', () => {
  const swapped = declared({ positive: ['CONDITIONING'], negative: ['CONDITIONING'] }, [
    'CONDITIONING:negative',
    'CONDITIONING:positive',
  ]);
  const graph = picture({ '3': through(1, 0), '60': node('Swapped', sides) });
  expect(texts(infer(graph, { Swapped: swapped }))).toEqual(both);
});

test('where nothing tells the sides apart, texts are named for their nodes, and a note says so', () => {
  const mixed = { '3': through(0, 1), '60': node('Mix', { cond_a: ['6', 0], cond_b: ['7', 0] }) };
  const titled = { ...mixed, '6': encode('a lighthouse', 'Scene'), '7': encode('blurry', 'Flaws') };
  const found = infer(picture(titled));
  expect(texts(found)).toEqual({ scene: '6.text', flaws: '7.text' });
  expect(found.notes).toEqual([
    'what is to be seen and what is not cannot be told of the texts of nodes 6 (Scene) and 7 (Flaws): ' +
      'they are named for them',
  ]);
  const called = { ...mixed, '6': encode('a lighthouse', 'Positive'), '7': encode('blurry', 'Negative') };
  expect(texts(infer(picture(called)))).toEqual(both);
});

test('of several conditionings of a guider that are not named for a side, the first is the positive one', () => {
  const cond = ['CONDITIONING'];
  const DualCFGGuider = declared({ cond1: cond, cond2: cond, negative: cond }, ['GUIDER']);
  const graph = picture({
    '3': node('DualCFGGuider', { cond1: ['60', 0], cond2: ['60', 1], negative: ['7', 0] }),
    '60': node('ControlNetApplyAdvanced', { ...sides, strength: 1 }),
  });
  expect(texts(infer(graph, { DualCFGGuider }))).toEqual(both);
});

test('a text that is zeroed on the way is no parameter, and one that serves as both is the prompt', () => {
  const zeroed = picture({
    '3': sampler({ negative: ['60', 0] }),
    '60': node('ConditioningZeroOut', { conditioning: ['7', 0] }),
  });
  expect(texts(infer(zeroed))).toEqual({ prompt: '!6.text' });
  expect(texts(infer(picture({ '3': sampler({ negative: ['6', 0] }), '7': encode('x') })))).toMatchObject({
    prompt: '!6.text',
  });
});

const encoders: { [what: string]: [object, { [name: string]: string }] } = {
  'positive_prompt and negative_prompt': [
    { positive_prompt: 'a boat', negative_prompt: 'blurry' },
    { prompt: '!60.positive_prompt', negativePrompt: '60.negative_prompt' },
  ],
  'both empty': [
    { positive_prompt: '', negative_prompt: '' },
    { prompt: '!60.positive_prompt', negativePrompt: '60.negative_prompt' },
  ],
  'both the same': [
    { positive: 'a boat', negative: 'a boat' },
    { prompt: '!60.positive', negativePrompt: '60.negative' },
  ],
  'prompt beside negative_prompt': [
    { prompt: 'a boat', negative_prompt: 'blurry' },
    { prompt: '!60.prompt', negativePrompt: '60.negative_prompt' },
  ],
  'text beside text_negative': [
    { text: 'a boat', text_negative: 'blurry' },
    { prompt: '!60.text', negativePrompt: '60.text_negative' },
  ],
  'words to sing beside a style': [
    { tags: 'jazz', lyrics: 'la la', negative_prompt: 'noise' },
    { prompt: '!60.tags', lyrics: '60.lyrics', negativePrompt: '60.negative_prompt' },
  ],
};

test.for(Object.keys(encoders))('an encoder of both sides has a parameter for each: %s', (what) => {
  const [inputs, expected] = encoders[what] ?? [{}, {}];
  const graph = { '60': node('EncodeBoth', inputs), '61': node('Sampler', { text_embeds: ['60', 0], seed: 1 }) };
  expect(texts(infer(graph))).toEqual(expected);
  expect(texts(inferFrom(graph, new Map()))).toEqual(expected);
});

test('of an encoder with an output for each side, each takes its own text', () => {
  const EditBoth = declared({ prompt: TEXT, negative_prompt: TEXT }, [
    'CONDITIONING:positive',
    'CONDITIONING:negative',
  ]);
  const graph = picture({ '3': through(0, 1), '60': node('EditBoth', { prompt: 'a', negative_prompt: 'b' }) });
  const found = texts(infer(graph, { EditBoth }));
  expect(found).toMatchObject({ prompt: '!60.prompt', negativePrompt: '60.negative_prompt' });
});

const secondary: { [what: string]: [{ [id: string]: object }, { [name: string]: string }] } = {
  'a detailer, even if its text is longer': [
    {
      '9': node('SaveImage', { filename_prefix: 'x', images: ['21', 0] }),
      '20': encode('a detailed face with freckles', 'Face prompt'),
      '21': node('FaceDetailer', { positive: ['20', 0], negative: ['7', 0], image: ['8', 0] }),
    },
    { facePrompt: '20.text' },
  ],
  'what to cut out': [
    {
      '9': node('SaveImage', { filename_prefix: 'x', images: ['40', 0] }),
      '40': node('Segment', { prompt: 'the sky above the lighthouse', threshold: 0.3, image: ['8', 0] }),
    },
    { promptSegment: '40.prompt' },
  ],
  'a refiner': [
    {
      '8': node('VAEDecode', { samples: ['31', 0], vae: ['4', 2] }),
      '30': encode('a lighthouse, sharp, with much detail', 'Refine'),
      '31': sampler({ positive: ['30', 0], latent_image: ['3', 0] }),
    },
    { promptRefine: '30.text' },
  ],
  'what a mask is found by': [
    {
      '5': node('Inpaint', { mask: ['41', 0] }),
      '40': encode('the old lighthouse', 'What'),
      '41': node('SAM3_Detect', { conditioning: ['40', 0] }),
    },
    { promptWhat: '40.text' },
  ],
  'a shorter text joined to it': [
    {
      '3': sampler({ positive: ['50', 0] }),
      '50': node('ConditioningCombine', { conditioning_1: ['6', 0], conditioning_2: ['51', 0] }),
      '51': encode('sea', 'Place'),
    },
    { promptPlace: '51.text' },
  ],
  'a film of the picture': [
    {
      '9': node('SaveVideo', { video: ['70', 0] }),
      '70': node('FilmOfPicture', { prompt: 'the light turns slowly, waves break', image: ['8', 0] }),
    },
    { promptFilmOfPicture: '70.prompt' },
  ],
};

test.for(Object.keys(secondary))('one prompt is required, and others keep their texts: %s', (what) => {
  const [nodes, expected] = secondary[what] ?? [{}, {}];
  const found = infer(picture(nodes));
  expect(texts(found)).toEqual({ ...both, ...expected });
  expect(found.notes).toEqual([
    'of 2 prompts that of node 6 (CLIP Text Encode (Prompt)) is required; ' +
      'the others keep their texts unless they are set',
  ]);
});

test('of the texts that a prompt is made of, the one that is set for it is required', () => {
  const written = picture({
    '6': encode(['50', 0]),
    '50': node('TextGenerate', { prompt: ['51', 0], clip: ['4', 1] }),
    '51': node('StringConcatenate', { string_a: ['52', 0], string_b: ['53', 0], delimiter: '' }),
    '52': node('PrimitiveString', { value: 'You are an expert who writes long prompts.' }, 'System Prompt'),
    '53': node('PrimitiveString', { value: 'a boat' }, 'String (User Prompt)'),
  });
  expect(texts(infer(written))).toMatchObject({ prompt: '!53.value', systemPrompt: '52.value' });
  // The prompt can skip what writes it anew.
  const chosen = picture({
    '6': encode(['50', 0]),
    '50': node('Switch', { switch: true, on_true: ['51', 0], on_false: ['53', 0] }),
    '51': node('TextGenerate', { prompt: ['54', 0], clip: ['4', 1] }),
    '53': node('PrimitiveString', { value: 'a boat' }),
    '54': node('StringConcatenate', { string_a: 'Make this longer and better:', string_b: ['53', 0], delimiter: '' }),
  });
  const matched = ['COMFY_MATCHTYPE_V3', {}];
  const Switch = declared({ switch: ['BOOLEAN', {}], on_true: matched, on_false: matched }, ['COMFY_MATCHTYPE_V3']);
  expect(texts(infer(chosen, { Switch }))).toMatchObject({
    prompt: '!53.value',
    promptStringA: '54.string_a',
  });
});

test('a text that only says what the choice beside it is stays as it is, with a note', () => {
  const graph = picture({
    '6': encode(['50', 0]),
    '50': node('StringConcatenate', { string_a: ['52', 0], string_b: ['51', 0], delimiter: '' }),
    '51': node('StringConcatenate', { string_a: 'The aspect ratio is ', string_b: ['53', 0], delimiter: '' }),
    '52': node('PrimitiveString', { value: 'a boat' }),
    '53': node('Choice', { choice: '9:16' }),
  });
  const found = infer(graph, { Choice: declared({ choice: [['9:16', '16:9']] }, ['*']) });
  expect(texts(found)).toEqual({ prompt: '!52.value', negativePrompt: '7.text', choice: '53.choice' });
  expect(found.notes).toEqual(['left as it is: string_a of node 51 (StringConcatenate)']);
});
