import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeRecipe, encodeRecipe, recipeAddress } from '../../../studio/src/session/recipe.ts';

test('a recipe is read from an address as it was written, whatever texts and values it has', () => {
  const value = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom(':', ':1', '#&=+% ', '\u0000\n', '🦊'),
    fc.double({ noNaN: true, noDefaultInfinity: true }).filter((number) => !Object.is(number, -0)),
    fc.boolean(),
    fc.array(fc.integer()),
    fc.record({ upload: fc.uuid() }),
  );
  const name = fc.constantFrom('prompt', 'steps', 'image_2', 'B');
  fc.assert(
    fc.property(fc.dictionary(name, value, { noNullPrototype: true, maxKeys: 4 }), (recipe) => {
      expect(decodeRecipe(`#${encodeRecipe(recipe)}`)).toEqual(recipe);
    }),
    { numRuns: 50 },
  );
});

test('it stands behind the #, which browsers send nowhere, and people can read it', () => {
  const address = recipeAddress('textToImage', { prompt: 'a boat', steps: 30, seed: undefined });
  expect(address).toBe('/make/textToImage#prompt=a+boat&steps=%3A30');
  expect(recipeAddress('textToImage', {})).toBe('/make/textToImage');
});

test('what is no recipe is left out', () => {
  expect(decodeRecipe('#prompt=a%20boat&steps=:3x&image=%3A%7B')).toEqual({ prompt: 'a boat' });
  expect(decodeRecipe('#%E0%A4%A')).toEqual(expect.any(Object));
});
