import { readFile } from 'node:fs/promises';
import { beforeAll, expect, test } from 'vitest';
import type { NodeDefinitions } from '../../../src/core/node-definitions.ts';
import { readStockNodeDefinitions } from '../../../src/workflows/stock-node-definitions.ts';

let stock: NodeDefinitions;

beforeAll(async () => {
  stock = await readStockNodeDefinitions();
});

test('the classes of a whole ComfyUI are known, whole numbers to the last digit', () => {
  expect(stock.size).toBe(887);
  expect(stock.get('KSampler')?.inputs.get('seed')?.spec).toMatchObject({ max: '18446744073709551615' });
  expect([...(stock.get('WanImageToVideo')?.inputs.keys() ?? [])]).toContain('start_image');
  expect(stock.get('SaveVideo')).toMatchObject({ outputNode: true, stock: true });
});

test('every class that the simulator runs is among them', async () => {
  const file = new URL('../../../src/simulator/object_info.json', import.meta.url);
  const simulated = Object.keys(JSON.parse(await readFile(file, 'utf8')));
  expect(simulated.filter((name) => !stock.has(name))).toEqual([]);
});
