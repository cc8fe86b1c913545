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
  const anybody = Object.defineProperty({ ...contextValue }, 'identity', {
    get: () => expect.fail('it asks who watches'),
  });
  for (const status of ['QUEUED', 'SUCCEEDED'] as const) {
    const event = testEvent(2, { job: testJob({ status, artifacts }) });
    const { data, errors } = await engine.executeEvent({ document, contextValue: anybody }, event);
    expect(errors).toBeUndefined();
    expect(data).toMatchObject({ jobProgress: { job: { status, artifacts: kinds.map((id) => ({ id })) } } });
  }
});
