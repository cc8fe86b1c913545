import { expect, test } from 'vitest';
import { objectInfoSchema } from '../../../src/core/object-info.ts';
import { classesIn, knowingMost } from '../../../src/workflows/known-classes.ts';

const server = (...classes: string[]) => objectInfoSchema.parse(Object.fromEntries(classes.map((name) => [name, {}])));

test('classes are those of the nodes of a graph, or of what the editor saves with its subgraphs, each once', () => {
  const node = (type: unknown) => ({ type, class_type: type });
  expect(classesIn({ '1': node('A'), '2': node('B'), '3': node('A'), '4': null, '5': node(7) })).toEqual(['A', 'B']);
  const editor = { nodes: [node('A'), null], definitions: { subgraphs: [{ nodes: [node('B')] }, {}, null] } };
  expect(classesIn(editor)).toEqual(['A', 'B']);
  for (const nothing of [null, 'text', [], { nodes: [], definitions: 7 }]) expect(classesIn(nothing)).toEqual([]);
});

test('of several the one that knows most of the classes is taken, of equals the first', () => {
  const [small, packs, stock] = [server('A'), server('A', 'P'), server('A', 'B')];
  const all = [small, packs, stock];
  expect(knowingMost(all, ['A'])).toBe(small);
  expect(knowingMost(all, ['A', 'P'])).toBe(packs);
  expect(knowingMost(all, ['A', 'B'])).toBe(stock);
  expect(knowingMost(all, ['A', 'B', 'P'])).toBe(packs);
  expect(knowingMost(all, ['Nobody'])).toBeUndefined();
  expect(knowingMost([], ['A'])).toBeUndefined();
});

test('those that do not tell what the editor is told do not count', () => {
  const older = new Map([...server('A')].map(([name, { ordered: _, ...known }]) => [name, known]));
  expect(knowingMost([older], ['A'])).toBeUndefined();
});
