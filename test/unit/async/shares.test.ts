import { expect, test } from 'vitest';
import { createShares } from '../../../src/async/shares.ts';

test('each may take half of what the others leave', () => {
  const shares = createShares(100);
  expect(shares.take('a', 50)).toBe(true);
  expect(shares.take('a')).toBe(false);
  expect(shares.left('b')).toBe(25);
  expect(shares.take('b', 26)).toBe(false);
  expect(shares.take('b', 25)).toBe(true);
  expect([shares.left('a'), shares.left('b'), shares.left('c')]).toEqual([0, 0, 13]);
  shares.give('a', 20);
  expect([shares.left('a'), shares.left('b'), shares.left('c')]).toEqual([8, 10, 23]);
});

test('many who take all that they can leave something to one who comes later', () => {
  const shares = createShares(1_000);
  for (let i = 0; i < 7; i++) expect(shares.take(`greedy ${i}`, shares.left(`greedy ${i}`))).toBe(true);
  expect(shares.left('honest')).toBeGreaterThan(0);
});

test('it says how much is taken of how much, and how often somebody was refused', () => {
  const shares = createShares(10);
  expect(shares.use()).toEqual({ taken: 0, most: 10, refusals: 0 });
  shares.take('a', 5);
  shares.take('a');
  shares.take('b', 2);
  expect(shares.use()).toEqual({ taken: 7, most: 10, refusals: 1 });
  shares.give('a', 5);
  expect(shares.use()).toEqual({ taken: 2, most: 10, refusals: 1 });
});

test('an owner may have a bound of his own, which gives him no more than anybody', () => {
  const shares = createShares(10);
  expect(shares.take('a', 2, 2)).toBe(true);
  expect(shares.take('a', 1, 2)).toBe(false);
  expect(shares.take('a', 1, 3)).toBe(true);
  expect(shares.take('b', 9, 100)).toBe(false);
  expect(shares.take('c', 1, 0)).toBe(false);
});
