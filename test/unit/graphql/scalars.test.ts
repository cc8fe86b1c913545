import * as fc from 'fast-check';
import { parseValue } from 'graphql';
import { describe, expect, test } from 'vitest';
import { parseInstant } from '../../../src/graphql/scalars/date-time.ts';
import { parseJson, parseJsonLiteral } from '../../../src/graphql/scalars/json.ts';
import { parseSafeInt, parseSafeIntLiteral } from '../../../src/graphql/scalars/safe-int.ts';

function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < levels; i += 1) value = [value];
  return value;
}

describe('DateTime', () => {
  test.each([
    ['2030-01-31T12:00:00.000Z', Date.UTC(2030, 0, 31, 12)],
    ['2030-01-31T12:00:00Z', Date.UTC(2030, 0, 31, 12)],
    ['2030-01-31t14:00:00.5+02:00', Date.UTC(2030, 0, 31, 12, 0, 0, 500)],
    ['2028-02-29T00:00:00Z', Date.UTC(2028, 1, 29)],
  ])('takes %s', (text, ms) => {
    expect(parseInstant(text)).toBe(ms);
  });

  test.each([
    '2030-01-31',
    '2030-01-31T12:00:00',
    '2030-02-30T12:00:00Z',
    '2029-02-29T00:00:00Z',
    '2030-13-01T00:00:00Z',
    '2030-01-31T24:30:00Z',
    'now',
    '',
    1_900_000_000,
    null,
  ])('refuses %j', (value) => {
    expect(() => parseInstant(value)).toThrow('expected an instant in RFC 3339');
  });
});

describe('SafeInt', () => {
  test('takes every integer from -(2^53-1) to 2^53-1, in a variable and in a document', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        expect(parseSafeInt(value)).toBe(value);
        expect(parseSafeIntLiteral(parseValue(String(value)))).toBe(value);
      }),
    );
  });

  test.each([9007199254740992, -9007199254740992, 1e300, 1.5, Number.NaN, '7', true, null, [7]])(
    'A24: refuses %j in a variable',
    (value) => {
      expect(() => parseSafeInt(value)).toThrow('expected an integer from -(2^53-1) to 2^53-1');
    },
  );

  test.each(['9007199254740992', '9007199254740993', '1e3', '1.0', '"7"', 'true'])(
    'A24: refuses %s in a document',
    (text) => {
      expect(() => parseSafeIntLiteral(parseValue(text))).toThrow('expected an integer from -(2^53-1) to 2^53-1');
    },
  );
});

describe('JSON', () => {
  test('gives back what JSON.parse made of any text, and the same of a literal', () => {
    const numbers = fc.oneof(fc.maxSafeInteger(), fc.double({ min: -1e6, max: 1e6, noNaN: true }));
    const leaf = fc.oneof(fc.string(), fc.boolean(), fc.constant(null), numbers);
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc.array(tie('value')),
        fc.dictionary(fc.stringMatching(/^[a-z][a-z0-9_]{0,5}$/), tie('value')),
      ),
    }));
    fc.assert(
      fc.property(value, (given) => {
        const plain: unknown = JSON.parse(JSON.stringify(given));
        expect(parseJson(plain)).toEqual(plain);
        // A GraphQL literal is JSON but for the quotes of its keys.
        const literal = JSON.stringify(plain).replace(/"([a-z][a-z0-9_]{0,5})":/g, '$1:');
        expect(parseJsonLiteral(parseValue(literal))).toEqual(plain);
      }),
    );
  });

  test('takes whole numbers of a literal that JavaScript would round as the text of their digits', () => {
    const literal = '{a: [18446744073709551615, -9223372036854775808, 9007199254740991], b: 1.5e19}';
    expect(parseJsonLiteral(parseValue(literal))).toEqual({
      a: ['18446744073709551615', '-9223372036854775808', 9007199254740991],
      b: 1.5e19,
    });
  });

  test('refuses numbers that none holds, saying where', () => {
    expect(() => parseJson(JSON.parse('{"3": {"cfg": 1e400}}'))).toThrow('less than 1.8e308');
    expect(() => parseJson(JSON.parse('{"3": {"cfg": -1e400}}'))).toThrow('not the one at 3.cfg');
    expect(() => parseJsonLiteral(parseValue(`{a: [1, ${'9'.repeat(310)}]}`))).toThrow('not the one at a.1');
  });

  test('A25: refuses the key __proto__ and keeps constructor a key like any other', () => {
    expect(() => parseJson(JSON.parse('{"a": {"__proto__": {"admin": true}}}'))).toThrow('__proto__ at a');
    expect(() => parseJsonLiteral(parseValue('{a: {__proto__: {admin: true}}}'))).toThrow('__proto__ at a');
    const parsed = parseJson(JSON.parse('{"constructor": {"prototype": 1}}'));
    expect(Object.hasOwn(Object(parsed), 'constructor')).toBe(true);
  });

  test('A05: refuses more than 64 levels before anything walks them by recursion', () => {
    expect(() => parseJson(nested(64))).not.toThrow();
    expect(() => parseJson(nested(65))).toThrow('at most 64 levels');
    expect(() => parseJson(nested(200_000))).toThrow('at most 64 levels');
  });

  test('puts variables into a literal', () => {
    expect(parseJsonLiteral(parseValue('{a: $x, b: [$y]}'), { x: { deep: 1 } })).toEqual({ a: { deep: 1 }, b: [null] });
  });
});
