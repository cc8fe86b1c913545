import { readFileSync } from 'node:fs';
import { brotliDecompressSync } from 'node:zlib';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { checkNodes, type NodeRules } from '../../../src/workflows/check-nodes.ts';
import { dangerOf } from '../../../src/workflows/denied-nodes.ts';

const stock = z
  .record(z.string(), z.object({ python_module: z.string() }))
  .parse(
    JSON.parse(
      String(
        brotliDecompressSync(
          readFileSync(new URL('../../../src/workflows/stock-object-info.json.br', import.meta.url)),
        ),
      ),
    ),
  );

const node = (class_type: string, inputs = {}) => ({ class_type, inputs });
const issuesOf = (class_type: string, rules: NodeRules = {}) =>
  checkNodes({ 7: node(class_type) }, rules, ['graph']).map(({ path, code }) => `${path.join('.')}: ${code}`);
const DENIED = ['graph.7.class_type: node_denied'];

test.each([
  ['LoadImageOutput', 'reads'],
  ['LoadTrainingDataset', 'reads'],
  ['LoadVideoTextDataSetFromFolder', 'reads'],
  ['VHS_LoadVideoPath', 'reads'],
  ['CheckpointSave', 'writes'],
  ['SaveLoRA', 'writes'],
  ['SaveTrainingDataset', 'writes'],
  ['LoadImageFromUrl', 'network'],
  ['OpenAIInputFiles', 'partner'],
  ['SRL Eval', 'code'],
])('%s is denied, since it %s', (classType, danger) => {
  expect(dangerOf(classType)).toBe(danger);
  expect(issuesOf(classType)).toEqual(DENIED);
});

test('of a stock ComfyUI, all of its partner nodes and all that work on folders are denied, and little else', () => {
  const denied = Object.keys(stock).filter((name) => dangerOf(name));
  const partners = Object.keys(stock).filter((name) => stock[name]?.python_module.startsWith('comfy_api_nodes'));
  expect(denied.filter((name) => dangerOf(name) === 'partner').sort()).toEqual(partners.sort());
  // Of what is to be found by its name alone, so that a class that comes with another version is looked at.
  const suspicious = Object.keys(stock).filter((name) =>
    /Folder|TrainingDataset$|^Save.*LoRA|Output$|^\w+Save$/i.test(name),
  );
  const harmless = ['MakeTrainingDataset'];
  expect(suspicious.filter((name) => !dangerOf(name) && !harmless.includes(name))).toEqual([]);
  expect(denied.length - partners.length).toBe(16);
  for (const usual of ['LoadImage', 'LoadImageMask', 'LoadAudio', 'LoadVideo', 'SaveImage', 'KSampler', 'SaveVideo']) {
    expect(issuesOf(usual), usual).toEqual([]);
  }
});

test('a plan allows classes by name, by what they do, or all that are harmless; what it denies stays denied', () => {
  expect(issuesOf('KSampler', { allow: ['LoadImage'] })).toEqual(DENIED);
  expect(issuesOf('LoadImage', { allow: ['LoadImage'] })).toEqual([]);
  expect(issuesOf('LoadImageOutput', { allow: ['*'] })).toEqual(DENIED);
  expect(issuesOf('LoadImageOutput', { allow: ['*', 'LoadImageOutput'] })).toEqual([]);
  expect(issuesOf('LoadImageOutput', { allow: ['*', '@reads'] })).toEqual([]);
  expect(issuesOf('SRL Eval', { allow: ['*', '@reads'] })).toEqual(DENIED);
  expect(issuesOf('KSampler', { allow: ['*', 'KSampler'], deny: ['KSampler'] })).toEqual(DENIED);
  expect(issuesOf('SaveLoRA', { allow: ['SaveLoRA'], deny: ['@writes'] })).toEqual(DENIED);
  expect(issuesOf('KSampler', { allow: [] })).toEqual(DENIED);
});

test.each([
  ...[
    '../secret.png',
    'a/../../b',
    String.raw`..\b`,
    '..',
    '/etc/passwd',
    '/etc',
    ' /etc/x',
    '~/x',
    'C:/x',
    String.raw`C:\x`,
  ],
  ...[String.raw`\\server\share`, 'file:///etc/passwd', 'x.png [output]', 'x.png [TEMP]', 'x.png [input] '],
])('A28 a file name such as %o is refused at its input, at any depth', (name) => {
  const graph = { 1: node('LoadImage', { image: name }), 2: node('Any', { list: [1, { deep: [name] }] }) };
  expect(checkNodes(graph, {}, ['graph']).map(({ path, code }) => `${path.join('.')}: ${code}`)).toEqual([
    'graph.1.inputs.image: file_denied',
    'graph.2.inputs.list: file_denied',
  ]);
});

test.each([
  ...[
    'a picture.png',
    'sub/folder/x.png',
    'wait.. what',
    'and/or',
    '/imagine a cat',
    'a 16:9 frame',
    'C: minor',
    '...',
    '',
  ],
  ...['models/x..v2.safetensors', '[output]', 'the word [output] in a prompt', 'https://a.example/b/c.png'],
])('a text such as %o is let through', (text) => {
  expect(checkNodes({ 1: node('CLIPTextEncode', { text }) }, {}, [])).toEqual([]);
});

test('A29 what is written into filename_prefix is replaced later, and so refused nowhere', () => {
  expect(checkNodes({ 1: node('SaveImage', { filename_prefix: '../../x' }) }, {}, [])).toEqual([]);
});

test('what is wrong with a graph that the editor saved is told of the whole, with the node in the message', () => {
  const issues = checkNodes({ 7: node('SRL Eval', { code: '/etc/x' }) }, {}, ['graph'], true);
  expect(issues.map(({ path }) => path)).toEqual([['graph'], ['graph']]);
  expect(issues[0]?.message).toBe('the class "SRL Eval" of node 7 is not allowed: it runs code that the graph holds');
});

test('of a graph of nothing but what is denied, 50 issues are told', () => {
  const graph = Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [i, node('SRL Eval', { a: '/etc/x' })]));
  expect(checkNodes(graph, {}, [])).toHaveLength(50);
});
