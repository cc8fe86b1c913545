import { GraphQLInputObjectType } from 'graphql';
import { expect, test } from 'vitest';
import { hasTooManyFields } from '../../../src/graphql/engine/input-issues.ts';
import { createSchema } from '../../../src/graphql/schema.ts';
import { shippedCatalogue } from '../../support/graph-services.ts';

test('an input object may have fifty unknown fields before graphql-js gets it, at any depth', async () => {
  const type = createSchema(await shippedCatalogue()).getType('GenerateInput');
  if (!(type instanceof GraphQLInputObjectType)) throw new Error('no such input');
  const unknown = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`x${i}`, 1]));
  const most = Object.keys(type.getFields()).length + 50;
  expect(hasTooManyFields(type, unknown(most))).toBe(false);
  expect(hasTooManyFields(type, unknown(most + 1))).toBe(true);
  expect(hasTooManyFields(type, { workflow: { textToImage: unknown(1_000) } })).toBe(true);
  // A value of its own making is not looked into.
  expect(hasTooManyFields(type, { workflow: { custom: { graph: unknown(1_000) } } })).toBe(false);
});
