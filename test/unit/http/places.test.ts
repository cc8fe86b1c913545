import { expect, test } from 'vitest';
import { createPlaces } from '../../../src/http/graphql/places.ts';

test('a client’s subscriptions are bounded by its plan, whatever else it has open', () => {
  const places = createPlaces(100);
  expect(places.take('a')).not.toBeNull();
  const first = places.take('a', 1);
  expect(first).not.toBeNull();
  expect(places.take('a', 1)).toBeNull();
  expect(places.take('b', 1)).not.toBeNull();
  expect(places.use()).toEqual({ taken: 3, most: 100, refusals: 1 });
  first?.[Symbol.dispose]();
  expect(places.take('a', 1)).not.toBeNull();
  expect(places.take('a', null)).not.toBeNull();
});

test('a subscription that finds no place holds none of those of its plan', () => {
  const places = createPlaces(2);
  const held = places.take('a');
  expect(places.take('a', 1)).toBeNull();
  held?.[Symbol.dispose]();
  expect(places.take('a', 1)).not.toBeNull();
  expect(places.use().taken).toBe(1);
});
