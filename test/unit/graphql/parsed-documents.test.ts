import { expect, test } from 'vitest';
import { collectGarbage } from '../../support/collect-garbage.ts';
import { testGraph, testServices } from '../../support/graph-services.ts';

const text = (name: string) => `query ${name} { __typename } #`.padEnd(60_000, 'x');

test('32 MB of documents are kept, and the least recently used goes first', async () => {
  const { engine } = await testGraph(await testServices());
  const [first, second] = [engine.parse(text('first')), engine.parse(text('second'))];
  for (let i = 0; i < 300; i++) {
    engine.parse(text(`other${i}`));
    expect(engine.parse(text('first'))).toBe(first);
  }
  expect(engine.parse(text('second'))).not.toBe(second);
});

test('B03 a document may have 65,536 characters, whatever it consists of', async () => {
  const { engine } = await testGraph(await testServices());
  const long = '{ __typename } #'.padEnd(65_536, 'x');
  expect(engine.validate(engine.parse(long))).toEqual([]);
  const refused = expect.objectContaining({ extensions: { code: 'LIMIT_EXCEEDED' } });
  for (const more of [`${long}x`, `{ workflow(name: "${'x'.repeat(65_536)}") { name } }`]) {
    expect(() => engine.parse(more)).toThrow(refused);
  }
});

test('documents that are not valid leave little behind: nobody keeps their errors', async () => {
  const { engine } = await testGraph(await testServices());
  const refuse = (name: string) => expect(engine.validate(engine.parse(`{ ${name} }`))).toHaveLength(1);
  refuse('warm');
  collectGarbage();
  const { heapUsed: before } = process.memoryUsage();
  for (let i = 0; i < 2_000; i++) refuse(`unknown${i}`);
  collectGarbage();
  // Their trees, of 2 KB each. With the errors, of which each holds its stack, it was 60 KB.
  expect((process.memoryUsage().heapUsed - before) / 2_000).toBeLessThan(5_000);
});
