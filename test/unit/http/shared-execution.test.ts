import { GraphQLError } from 'graphql';
import { expect, test, vi } from 'vitest';
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
    shared.answer(of, key, () => {
      executed.push(name);
      return name === 'slow' ? answer.promise : { data: { of: name } };
    });
  const waiting = [ask(event, 'key', 'slow'), ask(event, 'key', 'never')];
  expect(String(ask(event, 'other key', 'other'))).toBe('{"data":{"of":"other"}}');
  expect(String(ask(next, 'key', 'next'))).toBe('{"data":{"of":"next"}}');
  answer.resolve({ data: { of: 'slow' } });
  expect((await Promise.all(waiting)).map(String)).toEqual(['{"data":{"of":"slow"}}', '{"data":{"of":"slow"}}']);
  expect(executed).toEqual(['slow', 'other', 'next']);
});

test('B02 an event that somebody has not taken yet keeps no answers of others', async () => {
  const shared = createSharedExecution();
  const event = { seq: 1 };
  const used = () => {
    collectGarbage();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  const before = used();
  for (let i = 0; i < 60; i++) shared.answer(event, `key ${i}`, () => ({ data: { of: `${i} `.repeat(500_000) } }));
  // Sixty answers of a megabyte and more. Buffers are given back a little after they were found to be garbage.
  await vi.waitFor(() => expect(used() - before).toBeLessThan(16_000_000), 5_000);
  expect(String(shared.answer(event, 'key 59', () => ({ data: null })))).toContain('59 59');
});

test('B02 an answer that is larger than all that is kept is kept for nobody', () => {
  const shared = createSharedExecution();
  const event = { seq: 1 };
  shared.answer(event, 'small', () => ({ data: null }));
  shared.answer(event, 'large', () => ({ data: { of: 'x'.repeat(5_000_000) } }));
  expect(shared.isMade(event, 'large')).toBe(false);
  expect(shared.isMade(event, 'small')).toBe(true);
});

test('B02 an answer that is cut for want of room is not that of others', async () => {
  const shared = createSharedExecution();
  const event = { seq: 1 };
  const cut = { errors: [new GraphQLError('cut', { extensions: { code: 'LIMIT_EXCEEDED' } })] };
  const whole = { data: { seq: 1 } };
  const answers = [
    shared.answer(event, 'key', async () => cut),
    shared.answer(event, 'key', async () => whole),
    shared.answer(event, 'key', () => whole),
  ];
  const [first, ...others] = (await Promise.all(answers)).map(String);
  expect(first).toContain('cut');
  expect(others).toEqual(['{"data":{"seq":1}}', '{"data":{"seq":1}}']);
  expect(String(shared.answer(event, 'key', () => ({ data: null })))).toBe('{"data":{"seq":1}}');
});

test('watchers of a client that ask for the same go on in one turn, until that has come', async () => {
  const shared = createSharedExecution();
  const [event, next] = [{ seq: 1 }, { seq: 2 }];
  const taken: PromiseWithResolvers<void>[] = [];
  const ask = (of: object, key: string, client: string) =>
    shared.turn(of, key, client, () => {
      const turn = Promise.withResolvers<void>();
      taken.push(turn);
      return turn.promise;
    });
  const waiting = [ask(event, 'key', 'a'), ask(event, 'key', 'a')];
  expect(taken).toHaveLength(1);
  for (const [of, key, client] of [
    [event, 'key', 'b'],
    [event, 'other', 'a'],
    [next, 'key', 'a'],
  ] as const)
    void ask(of, key, client);
  expect(taken).toHaveLength(4);
  taken[0]?.resolve();
  await Promise.all(waiting);
  void ask(event, 'key', 'a');
  expect(taken).toHaveLength(5);
});

test('no more go on in one turn than are done in a short time', () => {
  const shared = createSharedExecution();
  const event = { seq: 1 };
  let turns = 0;
  const take = () => {
    turns += 1;
    return new Promise<void>(() => undefined);
  };
  for (let i = 0; i < 640; i++) void shared.turn(event, 'key', 'a', take);
  expect(turns).toBe(10);
});
