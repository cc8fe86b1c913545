import { expect, test } from 'vitest';
import type { Json } from '../../../src/core/job.ts';
import { pythonNumber } from '../../../src/core/python-number.ts';

/** What Python 3.11 says: int(value), float(value); null where it raises. */
test.each<[Json, number | bigint | null, number | null]>([
  [17, 17, 17],
  [-16.9, -16, -16.9],
  [true, 1, 1],
  ['17', 17, 17],
  [' +1_000 ', 1000, 1000],
  ['9007199254740991', 9007199254740991, 9007199254740991],
  ['9007199254740993', 9007199254740993n, 9007199254740992],
  ['+18_446_744_073_709_551_616', 18446744073709551616n, 2 ** 64],
  ['-9223372036854775809', -9223372036854775809n, -(2 ** 63)],
  ['1'.repeat(4_300), BigInt('1'.repeat(4_300)), Infinity],
  ['1'.repeat(4_301), null, Infinity],
  ['1__0', null, null],
  ['_1', null, null],
  ['16.5', null, 16.5],
  ['.5', null, 0.5],
  ['5.', null, 5],
  ['.', null, null],
  ['1e3', null, 1000],
  ['-inf', null, -Infinity],
  ['Infinity', null, Infinity],
  ['nan', null, Number.NaN],
  ['0x10', null, null],
  ['', null, null],
  ['  ', null, null],
  ['wide', null, null],
  // Left to Python: other digits and other spaces are its own.
  ['１７', Number.NaN, Number.NaN],
  [null, null, null],
  [[1], null, null],
  [{}, null, null],
])('%j', (value, int, float) => {
  expect([pythonNumber('INT', value), pythonNumber('FLOAT', value)]).toEqual([int, float]);
});
