import type { ExecutionArgs } from 'graphql';
import type { Context, SubscribePayload } from 'graphql-ws';
import { expect, test } from 'vitest';
import { createSocketOperations, type SocketOwner } from '../../../src/http/socket-operations.ts';
import { testGraph, testServices } from '../../support/graph-services.ts';

type SocketContext = Context<Record<string, unknown>, SocketOwner>;

async function openSocket() {
  const services = await testServices();
  const { engine } = await testGraph(services);
  const operations = createSocketOperations({ engine, services, maxOperations: 2 });
  const owner: SocketOwner = { requestId: 'r', caller: 'c', headers: {}, send: async () => {}, open: new Map() };
  const context: SocketContext = { connectionInitReceived: true, acknowledged: true, subscriptions: {}, extra: owner };

  async function begin(payload: SubscribePayload): Promise<AbortSignal> {
    const args = await operations.hooks.onSubscribe?.(context, 'id', payload);
    const { contextValue } = args as ExecutionArgs;
    return Reflect.get(Object(contextValue), 'signal');
  }
  const complete = (payload: SubscribePayload) => operations.hooks.onComplete?.(context, 'id', payload);
  return { operations, owner, begin, complete };
}

test('what runs for a socket is told that its client has left', async () => {
  const { operations, owner, begin } = await openSocket();
  const signals = [await begin({ query: '{ __typename }' }), await begin({ query: '{ __typename }' })];
  expect(signals.map(({ aborted }) => aborted)).toEqual([false, false]);
  operations.leave(owner);
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
  expect(owner.open.size).toBe(0);
});

test('an operation that uses the id of the last one again is counted by itself', async () => {
  const { owner, begin, complete } = await openSocket();
  const [first, second] = [{ query: '{ a: __typename }' }, { query: '{ b: __typename }' }];
  await begin(first);
  const signal = await begin(second);
  complete(first);
  expect([...owner.open.keys()]).toEqual([second]);
  expect(signal.aborted).toBe(false);
});
