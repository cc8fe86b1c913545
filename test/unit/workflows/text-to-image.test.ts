import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import * as z from 'zod';
import { bindTemplate, parseTemplate } from '../../../src/core/template.ts';
import type { Workflow } from '../../../src/workflows/catalogue.ts';
import { loadCatalogue } from '../../../src/workflows/load.ts';
import { manifestJsonSchema } from '../../../src/workflows/manifest.ts';

const root = new URL('../../../', import.meta.url);
let workflow: Workflow;

beforeAll(async () => {
  const catalogue = await loadCatalogue({ dir: new URL('workflows', root).pathname, maxMegapixels: 4 });
  const found = catalogue.get('textToImage');
  if (!found) throw new Error('textToImage is not shipped');
  workflow = found;
});

const readJson = async (path: string): Promise<unknown> => JSON.parse(await readFile(new URL(path, root), 'utf8'));

/** The issues of an input with a good prompt, as `field code: message`. */
function issuesOf(input: { [name: string]: unknown }): string[] {
  const parsed = workflow.parse({ prompt: 'a lighthouse', ...input }, ['input', 'workflow', 'textToImage']);
  if (parsed.ok) return [];
  return parsed.issues.map(({ path, code, message }) => {
    expect(path.slice(0, 3)).toEqual(['input', 'workflow', 'textToImage']);
    expect(message.length).toBeLessThan(1500);
    return `${path.slice(3).join('.')} ${code}: ${message}`;
  });
}

const defaults = {
  prompt: 'a lighthouse',
  negativePrompt: '',
  width: 512,
  height: 512,
  steps: 20,
  cfgScale: 7,
  sampler: 'EULER',
  scheduler: 'NORMAL',
  model: 'v1-5-pruned-emaonly.safetensors',
  batchSize: 1,
};

test('a prompt is enough: the rest has defaults, and the seed stays absent until it is drawn', () => {
  expect(workflow.parse({ prompt: 'a lighthouse' }, [])).toEqual({ ok: true, parameters: defaults });
});

test('null is as if absent', () => {
  const nulls = Object.fromEntries(workflow.parameters.map(({ name }) => [name, null]));
  expect(workflow.parse({ ...nulls, prompt: 'a lighthouse' }, [])).toEqual({ ok: true, parameters: defaults });
  expect(issuesOf({ prompt: null })).toEqual(['prompt required: expected a value, got nothing']);
});

test('the seed is drawn when absent, kept when given, and stands where the manifest has it', () => {
  const drawn = workflow.complete(defaults, () => 42);
  expect(drawn).toEqual({ ...defaults, seed: 42 });
  expect(Object.keys(drawn)).toEqual(workflow.parameters.map((parameter) => parameter.name));
  expect(workflow.complete({ ...defaults, seed: 0 }, () => 42)).toEqual({ ...defaults, seed: 0 });
  expect(workflow.complete(defaults, () => Number.MAX_SAFE_INTEGER).seed).toBe(Number.MAX_SAFE_INTEGER);
});

test('samplers and schedulers are all of those of ComfyUI in upper case', async () => {
  const options = z.tuple([z.array(z.string())], z.unknown());
  const node = z.object({ input: z.object({ required: z.object({ sampler_name: options, scheduler: options }) }) });
  const catalogue = z.object({ KSampler: node }).parse(await readJson('src/simulator/object_info.json'));
  const { sampler_name, scheduler } = catalogue.KSampler.input.required;
  for (const [name, labels] of [
    ['sampler', sampler_name[0]],
    ['scheduler', scheduler[0]],
  ] as const) {
    const { choices } = workflow.parameters.find((parameter) => parameter.name === name) ?? {};
    expect(choices).toEqual(labels.map((label) => ({ value: label.toUpperCase(), label })));
  }
});

test('every parameter arrives at its node', () => {
  const given = { ...defaults, prompt: 'p', negativePrompt: 'n', width: 64, height: 72, steps: 3, cfgScale: 1.5 };
  const parameters = {
    ...given,
    sampler: 'DPMPP_2M',
    scheduler: 'KARRAS',
    seed: 9,
    model: 'x.safetensors',
    batchSize: 4,
  };
  const graph = bindTemplate(parseTemplate(workflow.template.text), parameters);
  expect(Object.fromEntries(Object.values(graph).map((node) => [node._meta?.title, node.inputs]))).toMatchObject({
    KSampler: { seed: 9, steps: 3, cfg: 1.5, sampler_name: 'dpmpp_2m', scheduler: 'karras', denoise: 1 },
    Checkpoint: { ckpt_name: 'x.safetensors' },
    Size: { width: 64, height: 72, batch_size: 4 },
    Prompt: { text: 'p' },
    'Negative prompt': { text: 'n' },
  });
});

const dimension = 'expected an integer from 64 to 2048, a multiple of 8, got';
const prompt = 'expected text of 1 to 5000 characters, got';
const seed = 'expected an integer from 0 to 9007199254740991, got';
const file = "expected a model file's name below the models folder, got";

const refused: [row: string, input: { [name: string]: unknown }, issues: string[]][] = [
  ['A21 empty prompt', { prompt: '' }, [`prompt too_small: ${prompt} none`]],
  ['A21 prompt of white space', { prompt: ' \n\u3000' }, [`prompt too_small: ${prompt} only white space`]],
  ['A21 prompt of 1 MB', { prompt: 'x'.repeat(1_000_000) }, [`prompt too_big: ${prompt} 1000000 characters`]],
  ['A21 prompt of one too many', { prompt: '🎨'.repeat(5001) }, [`prompt too_big: ${prompt} 5001 characters`]],
  ['A21 NUL', { prompt: 'a\0b' }, ['prompt invalid_string: expected text without NUL, got one at character 1']],
  [
    'A21 lone surrogate',
    { prompt: 'a\ud83c' },
    ['prompt invalid_string: expected Unicode text, got half of a surrogate pair'],
  ],
  [
    'A21 prompt of another type',
    { prompt: ['a'] },
    ['prompt invalid_type: expected text of 1 to 5000 characters, got a list of 1'],
  ],
  [
    'A21 negative prompt',
    { negativePrompt: 'x'.repeat(2001) },
    ['negativePrompt too_big: expected text of at most 2000 characters, got 2001 characters'],
  ],
  ['A22 width 0', { width: 0 }, [`width too_small: ${dimension} 0`]],
  ['A22 width -8', { width: -8 }, [`width too_small: ${dimension} -8`]],
  ['A22 width 7', { width: 7 }, [`width too_small: ${dimension} 7`]],
  ['A22 width 65', { width: 65 }, [`width not_multiple_of: ${dimension} 65`]],
  ['A22 width 99999', { width: 99999 }, [`width too_big: ${dimension} 99999`]],
  ['A22 width 64.5', { width: 64.5 }, [`width invalid_type: ${dimension} 64.5`]],
  ['A22 width NaN', { width: Number.NaN }, [`width invalid_type: ${dimension} NaN`]],
  ['A22 width as text', { width: '512' }, [`width invalid_type: ${dimension} "512"`]],
  [
    'A22 megapixels',
    { width: 2048, height: 2048 },
    ['width too_big: expected width x height of at most 4 megapixels, got 2048 x 2048 = 4.194304'],
  ],
  ['A23 steps', { steps: 151 }, ['steps too_big: expected an integer from 1 to 150, got 151']],
  ['A23 batch', { batchSize: 5 }, ['batchSize too_big: expected an integer from 1 to 4, got 5']],
  ['A23 cfgScale', { cfgScale: 0.5 }, ['cfgScale too_small: expected a number from 1 to 30, got 0.5']],
  [
    'A23 endless cfgScale',
    { cfgScale: Infinity },
    ['cfgScale invalid_type: expected a number from 1 to 30, got Infinity'],
  ],
  ['A24 seed over 2^53-1', { seed: 2 ** 53 }, [`seed too_big: ${seed} 9007199254740992`]],
  ['A24 seed 1e300', { seed: 1e300 }, [`seed too_big: ${seed} 1e+300`]],
  ['A24 seed as text', { seed: '1e3' }, [`seed invalid_type: ${seed} "1e3"`]],
  ['A24 seed -1', { seed: -1 }, [`seed too_small: ${seed} -1`]],
  ['A24 seed as bigint', { seed: 5n }, [`seed invalid_type: ${seed} a bigint`]],
  ['A28 model above its folder', { model: 'a/../../x' }, [`model invalid_string: ${file} "a/../../x"`]],
  ['A28 model in a Windows folder', { model: 'C:\\x' }, [`model invalid_string: ${file} "C:\\\\x"`]],
  ['A28 absolute model', { model: '/etc/passwd' }, [`model invalid_string: ${file} "/etc/passwd"`]],
  ['A28 model over two lines', { model: 'a\nb' }, [`model invalid_string: ${file} "a\\nb"`]],
];

test.for(refused)('%s is refused', ([, input, issues]) => {
  expect(issuesOf(input)).toEqual(issues);
});

test('A25 __proto__ and constructor are unknown fields like others and touch nothing', () => {
  const issues = issuesOf(
    JSON.parse('{"prompt": "x", "__proto__": {"prompt": "y"}, "constructor": 1, "toString": null}'),
  );
  expect(issues.map((issue) => issue.split(':')[0])).toEqual([
    // Spreading made __proto__ a property of its own again, as JSON.parse does.
    '__proto__ unknown_field',
    'constructor unknown_field',
    'toString unknown_field',
  ]);
  expect(({} as { prompt?: string }).prompt).toBeUndefined();
});

test('A25 what an input inherits is not read', () => {
  expect(workflow.parse(Object.create({ prompt: 'inherited' }), []).ok).toBe(false);
});

test('A26 unknown fields are refused, with the field that may be meant, and their names are cut', () => {
  expect(issuesOf({ promt: 'x' })).toEqual(['promt unknown_field: "promt" is not a parameter; did you mean prompt?']);
  const [issue] = issuesOf({ ['x'.repeat(1_000_000)]: 1 });
  expect(issue).toMatch(/^x{64} unknown_field: "x{40}…" is not a parameter; there are prompt, /);
});

test('A27 an unknown sampler is answered with the choices, the likely ones first', () => {
  const [issue, ...others] = issuesOf({ sampler: 'EULER_ANCESTRL' });
  expect(others).toEqual([]);
  expect(issue).toMatch(
    /^sampler not_a_choice: "EULER_ANCESTRL" is not a choice; did you mean EULER_ANCESTRAL\? Choices: /,
  );
  for (const { value } of workflow.parameters.find(({ name }) => name === 'sampler')?.choices ?? []) {
    expect(issue).toContain(value);
  }
  expect(issuesOf({ sampler: 'euler' })[0]).toContain('did you mean EULER');
  expect(issuesOf({ scheduler: '\u202e\n'.repeat(10) })[0]).toMatch(
    /^scheduler not_a_choice: "[ -~]*" is not a choice/,
  );
  expect(issuesOf({ scheduler: 'x'.repeat(1_000_000) })[0]).toContain('xx…" is not a choice');
});

test('all faults are named at once, in the order of the manifest', () => {
  const bad = { prompt: '', width: 7, height: 9000, sampler: 'X', seed: -1, batchSize: 0, foo: 1 };
  expect(issuesOf(bad).map((issue) => issue.split(' ')[0])).toEqual(Object.keys(bad));
});

test('no more than 50 faults are named, however many there are', () => {
  const many = Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`f${index}`, index]));
  expect(issuesOf({ ...many, width: 0 })).toHaveLength(50);
  expect(issuesOf({ ...many, width: 0 })[0]).toMatch(/^width/);
});

test('characters are counted, not their UTF-16 halves', () => {
  expect(issuesOf({ prompt: '🎨'.repeat(5000) })).toEqual([]);
});

test('limits are within reach', () => {
  expect(issuesOf({ width: 2048, height: 1952, steps: 150, cfgScale: 30, seed: 2 ** 53 - 1, batchSize: 4 })).toEqual(
    [],
  );
  expect(issuesOf({ width: 64, height: 64, steps: 1, cfgScale: 1, seed: 0, batchSize: 1 })).toEqual([]);
  expect(issuesOf({ model: 'sd15/ünï 1.5 [v..2].safetensors' })).toEqual([]);
});

test("parsed parameters have the order of the manifest, whatever the input's, and parse to themselves", () => {
  const input = fc.record(
    {
      prompt: fc.string({ unit: 'grapheme', minLength: 1 }).map((text) => `x${text}`.replaceAll('\0', '')),
      width: fc.integer({ min: 8, max: 256 }).map((n) => n * 8),
      steps: fc.integer({ min: 1, max: 150 }),
      cfgScale: fc.double({ min: 1, max: 30, noNaN: true }),
      seed: fc.maxSafeNat(),
    },
    { requiredKeys: ['prompt'] },
  );
  fc.assert(
    fc.property(input, fc.boolean(), (given, withNull) => {
      const reversed = Object.fromEntries(Object.entries({ ...given, ...(withNull && { height: null }) }).reverse());
      const parsed = workflow.parse(given, []);
      expect(JSON.stringify(workflow.parse(reversed, []))).toBe(JSON.stringify(parsed));
      if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
      expect(parsed.parameters).toMatchObject(given);
      expect(workflow.parse(parsed.parameters, [])).toEqual(parsed);
    }),
  );
});

test('whatever comes is parsed or refused, never thrown at', () => {
  const names = fc.constantFrom(...workflow.parameters.map((parameter) => parameter.name), 'foo');
  fc.assert(
    fc.property(fc.dictionary(names, fc.anything()), (input) => {
      const parsed = workflow.parse(input, []);
      expect(parsed.ok || parsed.issues.length > 0).toBe(true);
      if (!parsed.ok) expect(Buffer.byteLength(JSON.stringify(parsed.issues))).toBeLessThan(50_000);
    }),
  );
});

test('the JSON Schema for editors is that of the manifests', async () => {
  expect(await readJson('workflows/manifest.schema.json')).toEqual(JSON.parse(JSON.stringify(manifestJsonSchema())));
});
