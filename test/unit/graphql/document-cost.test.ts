import {
  type GraphQLNamedType,
  type GraphQLOutputType,
  getIntrospectionQuery,
  getNamedType,
  getNullableType,
  isInterfaceType,
  isLeafType,
  isListType,
  isObjectType,
} from 'graphql';
import { beforeAll, describe, expect, test } from 'vitest';
import { createCostOf, type FieldWeight } from '../../../src/graphql/engine/document-cost.ts';
import { defaultDocumentLimits as limits, parseDocument } from '../../../src/graphql/engine/document-limits.ts';
import { createEngine } from '../../../src/graphql/engine/engine.ts';
import { createSchema } from '../../../src/graphql/schema.ts';
import { testGraph, testLog, testServices } from '../../support/graph-services.ts';

let schema: ReturnType<typeof createSchema>;
beforeAll(async () => {
  schema = createSchema((await testServices()).catalogue);
});

const cost = (text: string, variableValues: { [name: string]: unknown } = {}) =>
  createCostOf(schema)({ document: parseDocument(text, limits), variableValues });

const page = (first: number, fields: string) => `{ jobs(first: ${first}) { nodes { ${fields} } } }`;
const textsOf = (first: number) => page(first, 'artifacts { ... on TextArtifact { text } }');
const heavy = (names: string[]) => names.map((name) => `${name}: text`).join(' ');

/** Every field of a type that needs no argument, as deep as it goes. */
function everyField(type: GraphQLNamedType): string {
  if (isLeafType(type)) return '';
  const own = isObjectType(type) || isInterfaceType(type) ? Object.values(type.getFields()) : [];
  const fields = own.map((field) => `${field.name} ${everyField(getNamedType(field.type))}`);
  const kinds = isInterfaceType(type) ? schema.getPossibleTypes(type) : [];
  const more = kinds.map((kind) => {
    const names = Object.keys(kind.getFields()).filter((name) => !own.some((field) => field.name === name));
    return names.length > 0 ? `... on ${kind.name} { ${names.join(' ')} }` : '';
  });
  return `{ ${[...fields, ...more].join(' ')} }`;
}

describe('a document costs', () => {
  test('its values, each as often as the list around it has jobs', () => {
    expect(cost('{ job(id: "x") { id status } }')).toBe(3);
    expect(cost(page(1, 'id status'))).toBe(1 + 3);
    expect(cost(page(100, 'id status'))).toBe(1 + 300);
    expect(cost('{ jobs { edges { cursor node { id } } pageInfo { hasNextPage } } }')).toBe(1 + 20 * 4 + 2);
  });

  test('the first that a variable says, or its default, or that of the schema', () => {
    const text = 'query P($first: Int = 50) { jobs(first: $first) { nodes { id } } }';
    expect(cost(text, { first: 10 })).toBe(21);
    expect(cost(text)).toBe(101);
    expect(cost(text, { first: null })).toBe(41);
    expect(cost(text, { first: 'many' })).toBe(3);
    expect(cost('query P($first: Int) { jobs(first: $first) { nodes { id } } }')).toBe(41);
  });

  test('another one with other variables, and the same one where none matters', () => {
    const costOf = createCostOf(schema);
    const document = parseDocument('query P($n: Int, $i: ID!) { jobs(first: $n) { nodes { id } } }', limits);
    expect(costOf({ document, variableValues: { n: 1 } })).toBe(3);
    expect(costOf({ document, variableValues: { n: 100 } })).toBe(201);
    const fixed = parseDocument('query J($i: ID!) { job(id: $i) { id } }', limits);
    expect([costOf({ document: fixed, variableValues: { i: 'a' } }), costOf({ document: fixed })]).toEqual([2, 2]);
  });

  test('more where texts, addresses, parameters and places in the queue are asked for', () => {
    const plain = cost(page(100, 'artifacts { id }'));
    expect(cost(textsOf(100))).toBe(plain + 100 * 4 * 59);
    expect(cost(page(100, 'artifacts { url }'))).toBe(plain + 100 * 4 * 19);
    expect(cost(page(100, 'artifacts { ... on ImageArtifact { url(width: 64) } }'))).toBe(plain + 100 * 4 * 19);
    expect(cost(page(100, 'parameters'))).toBe(1 + 100 * 11);
    expect(cost(page(100, 'queuePosition'))).toBe(1 + 100 * 21);
  });

  test('the same through fragments, once however often they ask, and under each name', () => {
    const direct = cost(page(10, 'id artifacts { id }'));
    expect(cost(`${page(10, '...F')} fragment F on Job { id ... { artifacts { id } } }`)).toBe(direct);
    const twice = '...F ...G } } } fragment F on Job { id artifacts { id } } fragment G on Job { artifacts { id } } ';
    expect(cost(`{ jobs(first: 10) { nodes { ${twice}`)).toBe(direct);
    expect(cost(page(10, 'a: id b: id'))).toBe(1 + 30);
    const oneName = '... on ImageArtifact { a: filename } ... on TextArtifact { a: text }';
    expect(cost(page(1, `artifacts { ${oneName} }`))).toBe(2 + 4 * 62);
  });

  test('nothing for what is skipped', () => {
    const query = 'query P($texts: Boolean!)';
    const text = `${query} ${page(100, 'id artifacts @include(if: $texts) { id }')}`;
    expect(cost(text, { texts: false })).toBe(201);
    expect(cost(text, { texts: true })).toBe(201 + 100 * 8);
    expect(cost(page(100, 'id seq @skip(if: true) attempts @include(if: false)'))).toBe(201);
  });

  test('nothing for the schema, which graphql-js bounds itself', () => {
    expect(cost(getIntrospectionQuery())).toBe(0);
    expect(cost('{ __typename }')).toBe(1);
  });
});

test('every list of objects says how many it is likely to have, or its page does', () => {
  const silent = Object.values(schema.getTypeMap()).flatMap((type) => {
    if (!isObjectType(type) || type.name.startsWith('__') || type.name === 'JobConnection') return [];
    return Object.values(type.getFields()).flatMap(({ name, type: given, extensions }) => {
      const isList = (output: GraphQLOutputType) => isListType(getNullableType(output));
      const { items }: FieldWeight = extensions;
      return isList(given) && !isLeafType(getNamedType(given)) && items === undefined ? [`${type.name}.${name}`] : [];
    });
  });
  expect(silent).toEqual([]);
});

describe('of what costs too much', () => {
  test('a page of a hundred jobs with all their fields is taken, and two of them are not', () => {
    const all = `nodes ${everyField(getNamedType(schema.getType('Job')) ?? expect.fail())}`;
    const whole = cost(`{ jobs(first: 100) { ${all} } }`);
    expect(whole).toBeGreaterThan(limits.maxCost / 2);
    expect(whole).toBeLessThan(limits.maxCost);
  });

  test('nothing is begun, and the error says cost, limit and what to do', async () => {
    const { run } = await testGraph(await testServices());
    const names = ['a', 'b', 'c', 'd', 'e'];
    const query = `query P($first: Int) { jobs(first: $first) { nodes { artifacts {
      ... on TextArtifact { ${heavy(names)} } } } } }`;
    const { data, errors } = await run(query, { first: 100 });
    expect(data).toBeUndefined();
    expect(errors).toEqual([
      {
        message: expect.stringMatching(/^The document costs 120501; at most 100000 are allowed: ask for fewer jobs/),
        extensions: { code: 'LIMIT_EXCEEDED', cost: 120_501, limit: 100_000 },
      },
    ]);
    const small = await testGraph(
      await testServices({ jobs: { list: async () => ({ edges: [], hasNextPage: false, endCursor: null }) } }),
    );
    expect(await small.run(query, { first: 50 })).toEqual({ data: { jobs: { nodes: [] } } });
  });

  test('no subscription is opened whose events would each cost it', async () => {
    const { log } = testLog();
    const engine = createEngine({ schema, log, limits: { ...limits, maxCost: 80 } });
    const { contextValue } = await testGraph(await testServices());
    const document = engine.parse('subscription { jobProgress(id: "x") { job { artifacts { id url } } } }');
    expect(engine.validate(document)).toEqual([]);
    const answer = await engine.subscribe({ document, contextValue });
    expect(answer).toMatchObject({ errors: [{ extensions: { code: 'LIMIT_EXCEEDED', cost: 90, limit: 80 } }] });
  });
});
