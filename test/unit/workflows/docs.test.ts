import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { loadCatalogue } from '../../../src/workflows/load.ts';
import { workflowsFolder } from './folder.ts';

const guide = await readFile(new URL('../../../docs/workflows.md', import.meta.url), 'utf8');
const files = Object.fromEntries(
  [...guide.matchAll(/```json file=(\S+)\n(.*?)```/gs)].map(([, path, text]) => [path, text]),
);

const load = async (changed: { [path: string]: string | undefined }) =>
  loadCatalogue({ dir: await workflowsFolder({ ...files, ...changed }), maxMegapixels: 4 });

test('the workflow of the guide loads and takes the input of the guide', async () => {
  const canvas = (await load({})).get('canvas');
  expect(canvas?.parse({ color: 16711680, width: 640, method: 'BICUBIC' }, [])).toEqual({
    ok: true,
    parameters: { width: 640, height: 512, color: 16711680, method: 'BICUBIC' },
  });
});

test('the faults of the guide are those that are told', async () => {
  const manifest = files['canvas/manifest.json'];
  const [first, second] = [...guide.matchAll(/```\nthe workflows in … cannot be used:\n(.*?)```/gs)].map(([, lines]) =>
    lines?.trim(),
  );
  const misspelt = manifest?.replace('"minimum": 16', '"min": 16');
  await expect(load({ 'canvas/manifest.json': misspelt })).rejects.toThrow(first ?? 'not in the guide');
  const lost = manifest?.replace('"node": "1", "input": "color"', '"node": "7", "input": "color"');
  await expect(load({ 'canvas/manifest.json': lost })).rejects.toThrow(second ?? 'not in the guide');
  expect([misspelt, lost]).not.toContain(manifest);
});
