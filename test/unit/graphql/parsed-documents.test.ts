import { expect, test } from 'vitest';
import { testGraph, testServices } from '../../support/graph-services.ts';

const CHARACTERS = 400_000;

test('of the cached documents, a million characters in all, the least recently used goes first', async () => {
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
