import { isInterfaceType, isObjectType } from 'graphql';
import { expect, test } from 'vitest';
import { missingFieldHandlers } from '../../../client/src/relay.ts';
import { cacheConfig } from '../../../client/src/urql.ts';
import { createSchema } from '../../../src/graphql/schema.ts';
import { shippedCatalogue } from '../../support/graph-services.ts';

const { keys, possibleTypes, updates } = cacheConfig;

test('Graphcache is told how to keep each type that has no id, and of no other', async () => {
  const schema = createSchema(await shippedCatalogue());
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
  const withoutId = Object.values(schema.getTypeMap())
    .filter((type) => isObjectType(type) && !type.name.startsWith('__') && !roots.includes(type))
    .filter((type) => isObjectType(type) && !type.getFields().id)
    .map(({ name }) => name);
  expect(Object.keys(keys).sort()).toEqual(withoutId.sort());
  expect(keys.Workflow?.({ __typename: 'Workflow', name: 'inpaint' })).toBe('inpaint');
  expect(keys.ProgressNode?.({ __typename: 'ProgressNode', nodeId: '3' })).toBeNull();
  const interfaces = Object.values(schema.getTypeMap()).filter(isInterfaceType);
  const kinds = interfaces.map((type) => [
    type.name,
    schema
      .getPossibleTypes(type)
      .map(({ name }) => name)
      .sort(),
  ]);
  expect(possibleTypes).toEqual(Object.fromEntries(kinds));
});

test('lists are asked for again when there is a job or a workflow more, and not for the progress of one', () => {
  const forgotten: unknown[] = [];
  const cache = {
    inspectFields: () => [
      { fieldKey: 'jobs({"first":5})', fieldName: 'jobs', arguments: { first: 5 } },
      { fieldKey: 'job({"id":"a"})', fieldName: 'job', arguments: { id: 'a' } },
      { fieldKey: 'jobs', fieldName: 'jobs', arguments: null },
      { fieldKey: 'workflows', fieldName: 'workflows', arguments: null },
    ],
    invalidate: (...call: unknown[]) => void forgotten.push(call),
  };
  updates.Subscription.jobsProgress({ jobsProgress: { type: 'STARTED' } }, {}, cache);
  expect(forgotten).toEqual([]);
  updates.Subscription.jobsProgress({ jobsProgress: { type: 'QUEUED' } }, {}, cache);
  const lists = [
    ['Query', 'jobs', { first: 5 }],
    ['Query', 'jobs', null],
  ];
  expect(forgotten).toEqual(lists);
  updates.Mutation.generate({}, {}, cache);
  expect(forgotten).toEqual([...lists, ...lists]);
  updates.Mutation.addWorkflow({}, {}, cache);
  expect(forgotten.slice(4)).toEqual([['Query', 'workflows', null]]);
});

test('Relay finds a job by its id among what it has, and nothing else that way', () => {
  const [handler] = missingFieldHandlers;
  const root = { getType: () => '__Root' };
  expect(handler?.handle({ name: 'job' }, root, { id: 'a' })).toBe('a');
  expect(handler?.handle({ name: 'workflow' }, root, { name: 'inpaint' })).toBeUndefined();
  expect(handler?.handle({ name: 'job' }, { getType: () => 'JobEvent' }, { id: 'a' })).toBeUndefined();
});
