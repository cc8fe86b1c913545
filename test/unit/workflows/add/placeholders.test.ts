import { expect, test } from 'vitest';
import type { Graph } from '../../../../src/core/graph.ts';
import { bindTemplate, parseTemplate } from '../../../../src/core/template.ts';
import { placeholderIn } from '../../../../src/workflows/add/placeholders.ts';
import { made, node, sampler, textToImage } from './made.ts';

test.for<[value: string, word: string | null]>([
  ['%prompt%', 'prompt'],
  ['{{prompt}}', 'prompt'],
  ['{{ negative_prompt }}', 'negative_prompt'],
  ['__PROMPT__', 'PROMPT'],
  ['$prompt$', 'prompt'],
  ['$prompt', 'prompt'],
  [`$${'{prompt}'}`, 'prompt'],
  ['{prompt}', 'prompt'],
  ['<<prompt>>', 'prompt'],
  ['@@prompt@@', 'prompt'],
  ['__animal__', null],
  ['{red|blue}', null],
  ['100%', null],
  ['50% of it, 20% of that', null],
  ['$5', null],
  ['a %prompt% in oil', null],
  ['', null],
  [`%${'x'.repeat(200)}%`, null],
])('%s is a placeholder for %s', ([value, word]) => {
  expect(placeholderIn(value)).toBe(word);
});

const template = () =>
  textToImage({
    '4': node('CheckpointLoaderSimple', { ckpt_name: '%model%' }),
    '5': node('EmptyLatentImage', { width: '%width%', height: '%height%', batch_size: 1 }),
    '6': node('CLIPTextEncode', { text: '%prompt%', clip: ['4', 1] }, 'Positive'),
    '3': sampler({ seed: '%seed%', steps: '%steps%', sampler_name: '%sampler%' }),
  });

test('placeholders are parameters of their names that callers give, of the types that classes take', async () => {
  const { shown, manifest, notes } = await made(template());
  expect(shown).toMatchObject({
    prompt: 'string ! -> 6.text',
    width: 'int ! -> 5.width',
    height: 'int ! -> 5.height',
    steps: 'int ! -> 3.steps',
    sampler: 'enum ! -> 3.sampler_name',
    seed: 'seed -> 3.seed',
    model: 'model ! -> 4.ckpt_name',
    negativePrompt: 'string blurry -> 7.text',
  });
  expect(manifest.parameters.sampler?.choices).not.toContain('%sampler%');
  expect(manifest.parameters.width?.limits).toEqual({ minimum: 64, maximum: 2048, multipleOf: 8 });
  expect(manifest.constraints).toEqual([{ megapixels: ['width', 'height'] }]);
  expect(notes).toEqual([
    'placeholders stand for values that callers give: %seed% in seed of node 3, %steps% in steps of node 3, ' +
      '%sampler% in sampler_name of node 3, %model% in ckpt_name of node 4, %width% in width of node 5, ' +
      '%height% in height of node 5, %prompt% in text of node 6',
  ]);
});

test('one that stands where its name does not fit has the limits of the class that takes it', async () => {
  const { manifest } = await made(textToImage({ '3': sampler({ denoise: '%width%' }) }));
  expect(manifest.parameters.width).toMatchObject({ type: 'float', limits: { minimum: 0, maximum: 1 } });
});

test('no placeholder reaches ComfyUI', async () => {
  const { workflow } = await made(template());
  const given = { prompt: 'x', width: 512, height: 512, steps: 4, sampler: 'EULER', model: 'a.safetensors' };
  const parsed = workflow.parse(given, []);
  expect(parsed.ok).toBe(true);
  const bound = bindTemplate(
    parseTemplate(workflow.template.text),
    workflow.complete(parsed.parameters, () => 7),
  );
  expect(JSON.stringify(bound)).not.toContain('%');
  expect(bound['3']?.inputs).toMatchObject({ seed: 7, steps: 4, sampler_name: 'euler' });
});

test('one placeholder in several places is one parameter, and one for a truth value is a Boolean', async () => {
  const { shown } = await made(
    textToImage({
      '5': node('EmptyLatentImage', { width: '{{size}}', height: '{{size}}', batch_size: 1 }),
      '10': node('InvertBooleanNode', { boolean: '{{flag}}', steps: '__STEPS__', note: '{{ what is it }}' }),
    }),
    { classes: { InvertBooleanNode: { input: { required: { boolean: ['BOOLEAN'] } }, output: ['BOOLEAN'] } } },
  );
  expect(shown).toMatchObject({ size: 'int ! -> 5.width 5.height', flag: 'boolean ! -> 10.boolean' });
});

test('what a graph itself looks for in its texts is no placeholder', async () => {
  const { shown, notes } = await made(
    textToImage({
      '6': node('CLIPTextEncode', { text: ['20', 0], clip: ['4', 1] }, 'Positive'),
      '20': node('StringReplace', { string: 'a picture of {subject}', find: '{subject}', replace: 'a cat' }),
      '21': node('RegexExtract', { string: ['20', 0], regex_pattern: '{subject}', mode: 'First Match' }),
    }),
  );
  expect(Object.values(shown).filter((text) => /find|pattern/.test(text))).toEqual([]);
  expect(notes.join()).not.toContain('placeholders');
});

test('an input file may be a placeholder', async () => {
  const { shown } = await made({
    '1': node('LoadImage', { image: '%image%' }),
    '2': node('SaveImage', { images: ['1', 0], filename_prefix: '%date:yyyy-MM-dd%/%width%' }),
  });
  expect(shown).toEqual({ image: 'image ! -> 1.image' });
});

test("placeholders amid texts are named and left as they are; the names of files are the editor's own", async () => {
  const graph: Graph = textToImage({
    '6': node('CLIPTextEncode', { text: 'a %subject% on 50% of __animal__', clip: ['4', 1] }, 'Positive'),
    '9': node('SaveImage', { filename_prefix: '%date:yyyy%_%seed%', images: ['8', 0] }),
  });
  const { notes, graph: written } = await made(graph);
  expect(notes).toEqual(['placeholders amid texts are left as they are: %subject% in text of node 6']);
  expect(written).toEqual(graph);
});

test('the note of many placeholders names eight', async () => {
  const inputs = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`text${index}`, `%word${index}%`]));
  const { notes } = await made(textToImage({ '60': node('Mystery', inputs) }));
  expect(notes.find((note) => note.startsWith('placeholders stand'))).toMatch(
    /%word7% in text7 of node 60 and 32 more$/,
  );
});
