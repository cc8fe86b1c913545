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

test('what one has taken becomes another’s, who may have as much as if it had been given back, or stays', () => {
  const shares = createShares(10);
  shares.take('address', 5);
  expect(shares.move('address', 'a')).toBe(true);
  expect(shares.use()).toMatchObject({ taken: 5, refusals: 0 });
  expect([shares.left('address'), shares.left('a')]).toEqual([1, 2]);
  expect(shares.move('address', 'a', 1)).toBe(false);
  // Others have come meanwhile: it is refused, and nobody has more or less than before.
  shares.take('b', 2);
  shares.take('c', 1);
  for (let i = 0; i < 20; i++) expect(shares.move('b', 'a', 1)).toBe(false);
  expect(shares.use().taken).toBe(8);
  for (const [owner, amount] of [
    ['address', 4],
    ['a', 1],
    ['b', 2],
    ['c', 1],
  ] as const)
    shares.give(owner, amount);
  expect(shares.use().taken).toBe(0);
  expect(shares.left('anybody')).toBe(5);
});

test('another may not have by a move more than half of what the others leave', () => {
  const shares = createShares(4);
  shares.take('a', 2);
  shares.take('b', 1);
  expect(shares.move('b', 'a')).toBe(false);
  expect(shares.use()).toMatchObject({ taken: 3, refusals: 1 });
});
