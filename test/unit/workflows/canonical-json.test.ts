import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalJson, sha256 } from '../../../src/core/canonical-json.ts';
import type { Json } from '../../../src/core/job.ts';

const { json } = fc.letrec<{ json: Json }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 4 },
    fc.constant(null),
    fc.boolean(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => (n === 0 ? 0 : n)),
    fc.string({ unit: 'binary' }),
    fc.array(tie('json')),
    fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', '1', '10', '9')), tie('json')),
  ),
}));

/** The same value with the keys of all its objects the other way round. */
function reversed(value: Json): Json {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, item]) => [key, reversed(item)]),
  );
}

test('keys are sorted and nothing is between them', () => {
  expect(canonicalJson({ b: [1, 2.5, -0, 1e21], a: { é: null, z: true }, 10: 'x', 9: '"\n\ud800' })).toBe(
    '{"10":"x","9":"\\"\\n\\ud800","a":{"z":true,"é":null},"b":[1,2.5,0,1e+21]}',
  );
});

test('the order of keys makes no difference', () => {
  fc.assert(fc.property(json, (value) => canonicalJson(reversed(value)) === canonicalJson(value)));
});

test('the text is JSON of the same value', () => {
  fc.assert(fc.property(json, (value) => isDeepStrictEqual(plain(JSON.parse(canonicalJson(value))), plain(value))));
});

test('different values have different texts', () => {
  fc.assert(
    fc.property(
      json,
      json,
      (a, b) => (canonicalJson(a) === canonicalJson(b)) === isDeepStrictEqual(plain(a), plain(b)),
    ),
  );
  for (const [a, b] of [
    [{ a: 1 }, { a: '1' }],
    [{ a: null }, {}],
    [
      [1, [2]],
      [[1], 2],
    ],
    [['a,b'], ['a', 'b']],
    [{ a: [] }, { a: {} }],
    [1, true],
    ['\ud800', '\ufffd'],
    [JSON.parse('{"__proto__": 1}'), {}],
  ] as [Json, Json][]) {
    expect(canonicalJson(a)).not.toBe(canonicalJson(b));
  }
});

/** fast-check's dictionaries may have no prototype, which is no difference between two JSON values. */
function plain(value: Json): Json {
  return reversed(value);
}

test.for([Number.NaN, Number.POSITIVE_INFINITY, undefined, 1n, () => 1])('%s is refused, not left out', (value) => {
  expect(() => canonicalJson({ a: value } as unknown as Json)).toThrow(/is not a JSON value/);
});

test('the hash is that of the UTF-8 bytes', () => {
  expect(sha256('')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  expect(sha256('é🎨')).toBe(createHash('sha256').update(Buffer.from('é🎨', 'utf8')).digest('hex'));
});
