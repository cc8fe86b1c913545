import { expect, test } from 'vitest';
import { createProcessMetrics } from '../../../src/observability/process-metrics.ts';
import { parseFigures } from '../../support/figures.ts';

test('the bounds of all roles of a process are shown as they are when they are read', async () => {
  const metrics = createProcessMetrics({ role: 'all', version: '0.0.0' });
  const fetches = { taken: 3, most: 16, refusals: 2 };
  metrics.addBounds(() => ({ variants: { taken: 1, most: 66, refusals: 0 } }));
  metrics.addBounds(() => ({ input_fetches: fetches }));
  const read = async () => parseFigures(await metrics.text());
  const first = await read();
  expect(first.value('comfygate_bound_taken', { bound: 'variants' })).toBe(1);
  expect(first.value('comfygate_bound_most', { bound: 'input_fetches' })).toBe(16);
  expect(first.value('comfygate_bound_refusals_total', { bound: 'input_fetches' })).toBe(2);
  fetches.taken = 0;
  const second = await read();
  expect(second.value('comfygate_bound_taken', { bound: 'input_fetches' })).toBe(0);
  expect(second.value('comfygate_bound_refusals_total', { bound: 'input_fetches' })).toBe(2);
});
