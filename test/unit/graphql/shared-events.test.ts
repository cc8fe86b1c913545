import { type GraphQLOutputType, getNamedType, isInterfaceType, isObjectType } from 'graphql';
import { expect, test } from 'vitest';
import type { Engine } from '../../../src/graphql/engine/engine.ts';
import { testEvent, testGraph, testJob, testServices } from '../../support/graph-services.ts';
import { picture } from '../../support/use-cases.ts';

/** All fields that a type has, and those that are behind them. */
function everything(schema: Engine['schema'], type: GraphQLOutputType, above: readonly string[] = []): string {
  const named = getNamedType(type);
  if (!isObjectType(named) && !isInterfaceType(named)) return '';
  const fields = Object.values(named.getFields()).flatMap((field) => {
    const within = getNamedType(field.type).name;
    return above.includes(within) ? [] : `${field.name} ${everything(schema, field.type, [...above, named.name])}`;
  });
  const types = isInterfaceType(named)
    ? schema.getPossibleTypes(named).map((each) => `... on ${each.name} ${everything(schema, each, above)}`)
    : [];
  return `{ ${[...fields, ...types].join(' ')} }`;
}

// Watchers of a job share what is made of its events, whoever they are: see shared-execution.ts.
test('no field of an event asks who watches it', async () => {
  const kinds = ['image', 'video', 'audio', 'text', 'file'] as const;
  const artifacts = kinds.map((kind) => ({ ...picture, kind, id: kind }));
  const services = await testServices({
    jobs: { queuePosition: async () => 3 },
    texts: { read: async () => 'a text' },
  });
  const { engine, contextValue } = await testGraph(services);
  const { jobProgress } = engine.schema.getSubscriptionType()?.getFields() ?? expect.fail();
  const selection = everything(engine.schema, jobProgress?.type ?? expect.fail());
  const document = engine.parse(`subscription { jobProgress(id: "x") ${selection} }`);
  expect(engine.validate(document)).toEqual([]);
  const identity = new Proxy(contextValue.identity, { get: () => expect.fail('it asks who watches') });
  const anybody = { ...contextValue, identity };
  for (const status of ['QUEUED', 'SUCCEEDED'] as const) {
    const event = testEvent(2, { job: testJob({ status, artifacts }) });
    const { data, errors } = await engine.executeEvent({ document, contextValue: anybody }, event);
    expect(errors).toBeUndefined();
    expect(data).toMatchObject({ jobProgress: { job: { status, artifacts: kinds.map((id) => ({ id })) } } });
  }
});

test('each step of a subscription has a context of its own, so nothing that is remembered with it stays', async () => {
  const services = await testServices();
  services.feed.open('x');
  const { engine, contextValue } = await testGraph(services);
  const seen: object[] = [];
  const field = engine.schema.getSubscriptionType()?.getFields().jobProgress ?? expect.fail();
  const { subscribe = expect.fail(), resolve = expect.fail() } = field;
  field.subscribe = (root, args, context, info) => {
    seen.push(context);
    return subscribe(root, args, context, info);
  };
  field.resolve = (root, args, context, info) => {
    seen.push(context);
    return resolve(root, args, context, info);
  };
  const document = engine.parse('subscription { jobProgress(id: "x") { seq } }');
  const operation = { document, contextValue };
  expect(Symbol.asyncIterator in (await engine.source(operation))).toBe(true);
  for (const seq of [1, 2]) {
    expect(await engine.executeEvent(operation, testEvent(seq))).toEqual({ data: { jobProgress: { seq } } });
  }
  expect(new Set([contextValue, ...seen]).size).toBe(4);
});
