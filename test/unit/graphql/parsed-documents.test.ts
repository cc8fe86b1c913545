import { expect, test } from 'vitest';
import { collectGarbage } from '../../support/collect-garbage.ts';
import { testGraph, testServices } from '../../support/graph-services.ts';

const CHARACTERS = 400_000;

test('a million characters of documents are kept, and the least recently used goes first', async () => {
  const { engine } = await testGraph(await testServices());
  const text = (name: string) => `query ${name} { __typename } #`.padEnd(CHARACTERS, 'x');
  const [first, second] = [engine.parse(text('first')), engine.parse(text('second'))];
  expect(engine.parse(text('first'))).toBe(first);
  engine.parse(text('third'));
  expect(engine.parse(text('first'))).toBe(first);
  expect(engine.parse(text('second'))).not.toBe(second);
});

test('a document that is larger than all that is kept takes the place of none', async () => {
  const { engine } = await testGraph(await testServices());
  const small = '{ __typename }';
  const large = `${small} #`.padEnd(1_000_001, 'x');
  const kept = engine.parse(small);
  expect(engine.parse(large)).not.toBe(engine.parse(large));
  expect(engine.parse(small)).toBe(kept);
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
