import { expect, test } from 'vitest';
import { createShares } from '../../../src/async/shares.ts';

test('each may take half, and all together no more than there is', () => {
  const shares = createShares(10);
  expect(shares.take('a', 5)).toBe(true);
  expect(shares.take('a')).toBe(false);
  expect(shares.left('b')).toBe(5);
  expect(shares.take('b', 4)).toBe(true);
  expect([shares.left('b'), shares.left('c')]).toEqual([1, 1]);
  expect(shares.take('c', 2)).toBe(false);
  shares.give('a', 2);
  expect([shares.left('a'), shares.left('c')]).toEqual([2, 3]);
});
