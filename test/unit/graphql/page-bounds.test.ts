import { expect, test } from 'vitest';
import { testGraph, testServices } from '../../support/graph-services.ts';

test('a page holds one to a hundred jobs: anything else is refused before it is looked for', async () => {
  const asked: number[] = [];
  const services = await testServices({
    jobs: {
      list: async ({ first }) => {
        asked.push(first);
        return { edges: [], hasNextPage: false, endCursor: null };
      },
    },
  });
  const { run } = await testGraph(services);
  const page = async (first: number) =>
    (await run('query P($first: Int!) { jobs(first: $first) { nodes { id } } }', { first })).errors?.[0].extensions;
  for (const first of [1, 100]) expect(await page(first)).toBeUndefined();
  for (const first of [-1, 0, 101]) {
    expect(await page(first)).toMatchObject({ code: 'BAD_USER_INPUT', issues: [{ path: ['first'] }] });
  }
  expect(asked).toEqual([1, 100]);
});
