import { expect, test } from 'vitest';
import { createTemplateLoader } from '../../../worker/delivery/load-plan.ts';

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
