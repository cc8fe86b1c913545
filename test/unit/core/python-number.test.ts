import { expect, test } from 'vitest';
import type { Json } from '../../../src/core/job.ts';
import { pythonNumber } from '../../../src/core/python-number.ts';

/** What Python 3.11 says: int(value), float(value); null where it raises. */
test.each<[Json, number | null, number | null]>([
  [17, 17, 17],
  [-16.9, -16, -16.9],
  [true, 1, 1],
  ['17', 17, 17],
  [' +1_000 ', 1000, 1000],
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
