import { expect, test } from 'vitest';
import { createEngine } from '../../../src/graphql/engine/engine.ts';
import { createSchema } from '../../../src/graphql/schema.ts';
import { shippedCatalogue, testLog } from '../../support/graph-services.ts';

const schema = createSchema(await shippedCatalogue());
const { log } = testLog();
const engine = createEngine({ schema, log, introspection: false });

const faultsOf = (text: string) => engine.validate(engine.parse(text));

test.each([
  '{ __schema { types { name } } }',
  '{ __type(name: "Job") { fields { name } } }',
  'query { ...all } fragment all on Query { s: __schema { queryType { name } } }',
  'mutation { __schema { mutationType { name } } }',
])('A11 where introspection is off, no form of it is valid: %s', (text) => {
  expect(faultsOf(text).map(({ extensions }) => extensions.code)).toContain('GRAPHQL_VALIDATION_FAILED');
});

test('A11 where introspection is off, a client may still ask for __typename, which its cache needs', () => {
  expect(faultsOf('{ __typename jobs { nodes { __typename } } }')).toEqual([]);
});

/** What a caller has misspelt, and the name that would tell him of the schema. */
const typos = [
  ['{ workflow(name: "x") { titel } }', 'title'],
  ['{ jobz { nodes { id } } }', 'jobs'],
  ['{ jobs(frist: 1) { nodes { id } } }', 'first'],
  ['{ jobs { nodes { ... on Jop { id } } } }', 'Job'],
  ['{ jobs(filter: {statos: QUEUED}) { nodes { id } } }', 'workflow'],
  ['{ jobs(filter: {status: QUEUD}) { nodes { id } } }', 'QUEUED'],
  ['mutation { generate(input: {idempotencyKey: "k", workflow: {textToImagee: {}}}) { replayed } }', 'imageToImage'],
  ['mutation { generate(input: {idempotencyKey: "k", workflow: {}}) { replayed } }', 'imageToImage'],
] as const;

test.each(typos)('A12 where introspection is off, a typo gets no hints: %s', (text, hint) => {
  const faults = faultsOf(text);
  expect(faults.length).toBeGreaterThan(0);
  const shown = JSON.stringify(faults);
  expect(shown).not.toMatch(/did you mean|suggestion|choices/i);
  expect(shown).not.toMatch(new RegExp(`\\b${hint}\\b`));
});

test.each(typos)('where introspection is on, the same typo gets them: %s', (text, hint) => {
  const open = createEngine({ schema, log });
  const shown = JSON.stringify(open.validate(open.parse(text)));
  expect(shown).toMatch(new RegExp(`\\b${hint}\\b`));
});

test('A12 where introspection is off, the fields and enum values of variables are not named either', async () => {
  const document = engine.parse('query q($filter: JobFilter) { jobs(filter: $filter) { nodes { id } } }');
  expect(engine.validate(document)).toEqual([]);
  const variableValues = { filter: { statos: 'X', status: 'QUEUD' } };
  const { errors } = await engine.execute({ document, variableValues, contextValue: {} });
  const shown = JSON.stringify(errors);
  expect(shown).toContain('filter.statos: unknown field');
  expect(shown).not.toMatch(/did you mean|suggestion|choices|QUEUED|createdAfter/i);
});
