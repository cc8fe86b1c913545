import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSchema, parse, validate } from 'graphql';
import { expect, test } from 'vitest';
import * as documents from '../../../client/src/documents.ts';

const schema = buildSchema(readFileSync(join(import.meta.dirname, '..', '..', '..', 'schema.graphql'), 'utf8'));

test.each(Object.entries(documents))('%s is a document of the schema', (_, text) => {
  expect(validate(schema, parse(text))).toEqual([]);
});
