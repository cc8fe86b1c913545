import { expect, test } from 'vitest';
import { createCustomParser } from '../../../src/workflows/custom.ts';

const parse = createCustomParser({ catalogue: { get: () => undefined } });

/** The codes of what is wrong with a graph of one node with these inputs. */
function codesOf(inputs: { [name: string]: unknown }): string[] {
  const parsed = parse({ graph: { '1': { class_type: 'A', inputs } } }, []);
  return parsed.ok ? [] : [...new Set(parsed.issues.map(({ code }) => code))];
}

const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)]);

test('a graph has a hundred thousand values at most, names among them', () => {
  // The class, the name of the input and the list itself are three.
  const list = (length: number) => ({ a: Array(length).fill(1) });
  expect(codesOf(list(100_000 - 3))).toEqual([]);
  expect(codesOf(list(100_000 - 2))).toEqual(['too_big']);
});

test('a graph has a million characters at most, in all texts and names together', () => {
  const text = (length: number) => ({ a: 'x'.repeat(length) });
  expect(codesOf(text(1_000_000 - 2))).toEqual([]);
  expect(codesOf(text(1_000_000 - 1))).toEqual(['too_big']);
});

test('lists lie twenty deep at most, and names have two hundred characters', () => {
  expect(codesOf({ a: nested(20) })).toEqual([]);
  expect(codesOf({ a: nested(21) })).toEqual(['too_deep']);
  expect(codesOf({ ['a'.repeat(200)]: 1 })).toEqual([]);
  expect(codesOf({ ['a'.repeat(201)]: 1 })).toEqual(['too_big']);
});
