import { getIntrospectionQuery, parse } from 'graphql';
import { describe, expect, test } from 'vitest';
import {
  checkDocumentLimits,
  defaultDocumentLimits as limits,
  parseDocument,
} from '../../../src/graphql/engine/document-limits.ts';

const repeat = (count: number, text: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => text(i)).join(' ');
const limitExceeded = expect.objectContaining({ extensions: { code: 'LIMIT_EXCEEDED' } });
const refused = (text: string) => {
  try {
    parseDocument(text, limits);
  } catch (error) {
    return error;
  }
  return 'taken';
};

test("takes GraphiQL's introspection query", () => {
  const query = getIntrospectionQuery({ inputValueDeprecation: true, schemaDescription: true, oneOf: true });
  expect(() => parseDocument(query, limits)).not.toThrow();
});

describe('refuses as LIMIT_EXCEEDED', () => {
  test('A06: a token bomb, while parsing', () => {
    expect(refused(`{ ${'a '.repeat(200_000)} }`)).toEqual(limitExceeded);
  });
  test('a document nested so deeply that a parser would overflow', () => {
    expect(refused(`{ a(b: ${'['.repeat(9_000)}`)).toEqual(expect.objectContaining({ extensions: expect.anything() }));
    expect(refused('{a'.repeat(4_900) + '}'.repeat(4_900))).toEqual(limitExceeded);
  });
  test('A07: a depth bomb, also through fragments', () => {
    expect(refused(`${'{a'.repeat(15)}${'}'.repeat(15)}`)).toBe('taken');
    expect(refused(`${'{a'.repeat(16)}${'}'.repeat(16)}`)).toEqual(limitExceeded);
    const fragments = repeat(16, (i) => `fragment F${i} on T { a { ...F${i + 1} } }`);
    expect(refused(`{ ...F0 } ${fragments} fragment F16 on T { a }`)).toEqual(limitExceeded);
  });
  test('a fragment bomb, in no time', () => {
    const fragments = repeat(60, (i) => `fragment F${i} on T { ...F${i + 1} ...F${i + 1} }`);
    expect(refused(`{ ...F0 } ${fragments} fragment F60 on T { a }`)).toEqual(limitExceeded);
  });
  test('A09: two hundred aliased mutations, also behind fragments', () => {
    expect(refused(`mutation { ${repeat(200, (i) => `g${i}: generate`)} }`)).toEqual(limitExceeded);
    expect(
      refused(
        `mutation { ...A ...B } fragment A on M { ${repeat(6, () => 'x')} } fragment B on M { ` +
          `${repeat(6, () => 'x')} }`,
      ),
    ).toEqual(limitExceeded);
    expect(refused(`mutation { ${repeat(10, (i) => `g${i}: generate`)} }`)).toBe('taken');
  });
  test('A09: more pages of jobs than anyone looks at', () => {
    const pages = (count: number) => repeat(count, (i) => `p${i}: jobs { nodes { id } }`);
    expect(refused(`{ ${pages(5)} }`)).toBe('taken');
    expect(refused(`{ ...A ...B } fragment A on Q { ${pages(3)} } fragment B on Q { ${pages(3)} }`)).toEqual(
      limitExceeded,
    );
    const parameters = (count: number) => repeat(count, (i) => `p${i}: parameters`);
    expect(refused(`{ jobs { nodes { ${parameters(5)} } } }`)).toBe('taken');
    expect(refused(`{ jobs { nodes { ${parameters(6)} } } }`)).toEqual(limitExceeded);
    expect(refused(`{ jobs { ${repeat(6, (i) => `n${i}: nodes { parameters }`)} } }`)).toEqual(limitExceeded);
  });
  test('A10: a heap of directives', () => {
    expect(refused(`{ ${repeat(51, (i) => `a${i} @include(if: true)`)} }`)).toEqual(limitExceeded);
    expect(refused(`{ a ${repeat(5, () => '@include(if: true)')} }`)).toEqual(limitExceeded);
    expect(refused(`query q ${repeat(5, () => '@a')} { b }`)).toEqual(limitExceeded);
    expect(refused(`{ a @include(if: true) @skip(if: false) }`)).toBe('taken');
  });
  test('thirty-one aliases', () => {
    expect(refused(`{ a { ${repeat(31, (i) => `x${i}: b`)} } }`)).toEqual(limitExceeded);
  });
});

test('A08: circular fragments are measured without end nowhere, and left to validation', () => {
  expect(() =>
    checkDocumentLimits(parse('{ ...A } fragment A on T { ...B } fragment B on T { a ...A }'), limits),
  ).not.toThrow();
});

test('a syntax error keeps its place', () => {
  expect(refused('{ a(')).toMatchObject({
    extensions: { code: 'GRAPHQL_PARSE_FAILED' },
    locations: [{ line: 1, column: 5 }],
  });
});
