import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { exactNumber, parseExactJson } from '../../../src/core/exact-json.ts';

describe('JSON with whole numbers beyond 2^53', () => {
  test.each<[string, unknown]>([
    ['{"seed": 18446744073709551615}', { seed: '18446744073709551615' }],
    ['[-9223372036854775808,9007199254740992]', ['-9223372036854775808', '9007199254740992']],
    ['9007199254740993', '9007199254740993'],
    ['[9007199254740991,-9007199254740991]', [9007199254740991, -9007199254740991]],
    // Of sixteen digits and more, too, and none that is rounded to another whole number.
    [
      '[0.12345678901234567, 1234567890123456.5, 1.8446744073709552e19]',
      [0.12345678901234566, 1234567890123456.5, 2 ** 64],
    ],
    [
      '{"18446744073709551615": "18446744073709551615, 18446744073709551615"}',
      { '18446744073709551615': '18446744073709551615, 18446744073709551615' },
    ],
    [
      '["\\\\", 18446744073709551615, "\\"18446744073709551615\\\\", 18446744073709551615]',
      ['\\', '18446744073709551615', '"18446744073709551615\\', '18446744073709551615'],
    ],
  ])('%s', (text, value) => expect(parseExactJson(text)).toEqual(value));

  test('what no number holds stays what JSON.parse makes of it', () => {
    expect(parseExactJson(`[${'9'.repeat(310)}, 1e400, -1e400]`)).toEqual([Infinity, Infinity, -Infinity]);
    expect(parseExactJson('9'.repeat(308))).toBe('9'.repeat(308));
  });

  test.each([
    '00000000000000000001',
    '[-00000000000000001]',
    '{"a": 12345678901234567',
    '"18446744073709551615',
    '1844674407370955161x',
  ])('no JSON remains none: %s', (text) => expect(() => parseExactJson(text)).toThrow(SyntaxError));

  test('anything else is read as JSON.parse reads it', () => {
    const number = fc.oneof(fc.double({ min: -9e15, max: 9e15, noNaN: true }), fc.maxSafeInteger());
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        number,
        fc.string(),
        fc.stringMatching(/^[\d"\\]{0,30}$/),
        fc.array(tie('value')),
        fc.dictionary(fc.stringMatching(/^[\d"\\]{0,20}$/), tie('value')),
      ),
    }));
    fc.assert(
      fc.property(value, fc.bigInt({ min: 2n ** 53n, max: 2n ** 70n }), (given, large) => {
        const text = JSON.stringify(given);
        expect(parseExactJson(`[${text},${large}]`)).toEqual([JSON.parse(text), String(large)]);
      }),
    );
  });

  test('a number as it is written', () => {
    expect([exactNumber('17'), exactNumber('-1.5e3'), exactNumber('9007199254740993')]).toEqual([
      17,
      -1500,
      '9007199254740993',
    ]);
  });
});
