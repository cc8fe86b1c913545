import { expect, test } from 'vitest';
import { createTemplateLoader, loadPlan } from '../../../worker/delivery/load-plan.ts';
import { testJob } from '../../support/graph-services.ts';

test('a template is read once, and one that is gone is asked for again', async () => {
  const read: string[] = [];
  const load = createTemplateLoader(async (hash) => {
    read.push(hash);
    return hash === 'gone' ? null : JSON.stringify({ name: hash, graph: {}, parameters: {} });
  });
  expect((await load('one'))?.name).toBe('one');
  expect((await load('one'))?.name).toBe('one');
  expect([await load('gone'), await load('gone')]).toEqual([null, null]);
  expect(read).toEqual(['one', 'gone', 'gone']);
  for (let i = 0; i < 64; i++) await load(`t${i}`);
  await load('one');
  expect(read.filter((hash) => hash === 'one')).toHaveLength(2);
});

test('a template that cannot be read now ends no job, one that is broken does', async () => {
  const job = testJob({ template: 'hash' });
  const failing = createTemplateLoader(async () => {
    throw new Error('Connection is closed.');
  });
  await expect(loadPlan(job, failing)).rejects.toThrow('Connection is closed.');
  const broken = createTemplateLoader(async () => '{"name": 1}');
  expect(await loadPlan(job, broken)).toMatchObject({ outcome: 'failed', error: { code: 'INTERNAL' } });
  const gone = createTemplateLoader(async () => null);
  expect(await loadPlan(job, gone)).toMatchObject({ outcome: 'failed', error: { code: 'INTERNAL' } });
});
