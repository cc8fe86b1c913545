import { GraphQLError } from 'graphql';
import { expect, test } from 'vitest';
import { createSharedExecution, operationKey } from '../../../src/http/graphql/shared-execution.ts';
import { collectGarbage } from '../../support/collect-garbage.ts';

const query = 'subscription W($id: ID!) { jobProgress(id: $id) { seq } }';

test('operations that differ in query, name or variables have no answer in common', () => {
  const keys = [
    operationKey(query, 'W', { id: 'a' }),
    operationKey(query, 'W', { id: 'b' }),
    operationKey(query, 'W', { id: 'a', more: true }),
    operationKey(query, 'W', {}),
    operationKey(query, 'V', { id: 'a' }),
    operationKey(query, null, { id: 'a' }),
    operationKey(`${query} `, 'W', { id: 'a' }),
    // What stands in one part may not be taken for another.
    operationKey(query, 'W","a', null),
    operationKey(`${query}","W`, 'a', null),
  ];
  expect(new Set(keys).size).toBe(keys.length);
});

test('what is left out and what is null is the same operation', () => {
  expect(operationKey(query, undefined, undefined)).toBe(operationKey(query, null, null));
});

test('an event is executed once for each key, however long its first answer takes', async () => {
  const shared = createSharedExecution();
  const [event, next] = [{ seq: 1 }, { seq: 2 }];
  const executed: string[] = [];
  const answer = Promise.withResolvers<{ data: { of: string } }>();
  const ask = (of: object, key: string, name: string) =>
    shared.text(of, key, () => {
      executed.push(name);
      return name === 'slow' ? answer.promise : { data: { of: name } };
    });
  const waiting = [ask(event, 'key', 'slow'), ask(event, 'key', 'never')];
  expect(ask(event, 'other key', 'other')).toBe('{"data":{"of":"other"}}');
  expect(ask(next, 'key', 'next')).toBe('{"data":{"of":"next"}}');
  answer.resolve({ data: { of: 'slow' } });
  expect(await Promise.all(waiting)).toEqual(['{"data":{"of":"slow"}}', '{"data":{"of":"slow"}}']);
  expect(executed).toEqual(['slow', 'other', 'next']);
});

test('B02 an event that somebody has not taken yet keeps no answers of others', () => {
  const shared = createSharedExecution();
  const event = { seq: 1 };
  collectGarbage();
  const { heapUsed: before } = process.memoryUsage();
  for (let i = 0; i < 60; i++) shared.text(event, `key ${i}`, () => ({ data: { of: `${i} `.repeat(500_000) } }));
  collectGarbage();
  // Sixty answers of a megabyte and more.
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(16_000_000);
  expect(shared.text(event, 'key 59', () => ({ data: null }))).toContain('59 59');
});

test('B02 an answer that is cut for want of room is not that of others', async () => {
  const shared = createSharedExecution();
  const event = { seq: 1 };
  const cut = { errors: [new GraphQLError('cut', { extensions: { code: 'LIMIT_EXCEEDED' } })] };
  const whole = { data: { seq: 1 } };
  const answers = [
    shared.text(event, 'key', async () => cut),
    shared.text(event, 'key', async () => whole),
    shared.text(event, 'key', () => whole),
  ];
  const [first, ...others] = await Promise.all(answers);
  expect(first).toContain('cut');
  expect(others).toEqual(['{"data":{"seq":1}}', '{"data":{"seq":1}}']);
  expect(shared.text(event, 'key', () => ({ data: null }))).toBe('{"data":{"seq":1}}');
});
