import { expect, test } from 'vitest';
import { nameOfFile, readGraph } from '../../../studio/src/make/workflow-source.ts';

test('a workflow has the name of its file, as far as the API takes it', () => {
  expect(nameOfFile('My portrait (v2).json')).toBe('myPortraitV2');
  expect(nameOfFile('ComfyUI_00001_.png')).toBe('comfyUI00001');
  expect(nameOfFile('30_text_to_image.json')).toBe('textToImage');
  expect(nameOfFile('人.json')).toBe('workflow');
  expect(nameOfFile(`${'a'.repeat(200)}.json`)).toMatch(/^[a-zA-Z]\w{0,63}$/);
});

test('seeds of 64 bits keep all their digits', async () => {
  const file = new File(['{"1":{"inputs":{"seed":18446744073709551615,"steps":20,"cfg":7.5}}}'], 'graph.json');
  expect(await readGraph(file)).toEqual({ 1: { inputs: { seed: '18446744073709551615', steps: 20, cfg: 7.5 } } });
});

test('a file that is no JSON is named in the message', async () => {
  await expect(readGraph(new File(['{'], 'broken.json'))).rejects.toThrow('broken.json is no JSON');
});
