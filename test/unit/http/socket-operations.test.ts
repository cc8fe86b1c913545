import { context, propagation } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import type { ExecutionArgs } from 'graphql';
import type { Context, SubscribePayload } from 'graphql-ws';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { anonymous } from '../../../src/callers/identity.ts';
import type { Engine } from '../../../src/graphql/engine/engine.ts';
import { createPlaces } from '../../../src/http/graphql/places.ts';
import { createSocketOperations, type SocketOwner } from '../../../src/http/graphql/socket-operations.ts';
import { traceparent } from '../../../src/observability/spans.ts';
import { testBounds, testEvent, testGraph, testServices } from '../../support/graph-services.ts';

type SocketContext = Context<Record<string, unknown>, SocketOwner>;

beforeAll(() => {
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
});
afterAll(() => {
  propagation.disable();
  context.disable();
});

const HEADER = '00-11111111111111111111111111111111-1111111111111111-01';
const OWN = '00-22222222222222222222222222222222-2222222222222222-01';

async function openSocket() {
  const services = await testServices();
  const { engine: bare } = await testGraph(services);
  const traces: (string | null)[] = [];
  const engine: Engine = {
    ...bare,
    parse(text) {
      traces.push(traceparent());
      return bare.parse(text);
    },
  };
  const operations = createSocketOperations({ ...testBounds(), engine, services, maxOperations: 2 });
  const headers = { traceparent: HEADER };
  const owner = operations.enter({
    requestId: 'r',
    identity: anonymous,
    client: 'a',
    headers,
    send: async () => {},
  });
  const context: SocketContext = { connectionInitReceived: true, acknowledged: true, subscriptions: {}, extra: owner };

  const prepare = async (payload: SubscribePayload) =>
    (await operations.hooks.onSubscribe?.(context, 'id', payload)) as ExecutionArgs;
  const signalOf = ({ contextValue }: ExecutionArgs): AbortSignal => Reflect.get(Object(contextValue), 'signal');
  const begin = async (payload: SubscribePayload) => signalOf(await prepare(payload));
  const complete = (payload: SubscribePayload) => operations.hooks.onComplete?.(context, 'id', payload);
  return { operations, services, owner, prepare, signalOf, begin, complete, traces };
}

test('what runs for a socket is told that its client has left', async () => {
  const { operations, owner, begin } = await openSocket();
  const signals = [await begin({ query: '{ __typename }' }), await begin({ query: '{ __typename }' })];
  expect(signals.map(({ aborted }) => aborted)).toEqual([false, false]);
  operations.leave(owner);
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
  expect(owner.open.size).toBe(0);
});

test('a subscription that its client completes ends at once, and counts until its last event was sent', async () => {
  const { operations, services, owner, prepare, signalOf, complete } = await openSocket();
  services.feed.open('job');
  const payload = { query: 'subscription { jobProgress(id: "job") { seq } }' };
  const args = await prepare(payload);
  const events = Object(await operations.hooks.subscribe?.(args));
  const next = events.next();
  expect(services.feed.stats().watchers).toBe(1);
  await events.return();
  expect(signalOf(args).aborted).toBe(true);
  expect(services.feed.stats().watchers).toBe(0);
  expect(await next).toMatchObject({ done: true });
  expect([...owner.open.keys()]).toEqual([payload]);
  complete(payload);
  expect(owner.open.size).toBe(0);
});

test('a subscription whose client leaves while it is being set up watches nothing', async () => {
  const { operations, services, owner, prepare } = await openSocket();
  services.feed.open('job');
  const begun = operations.hooks.subscribe?.(
    await prepare({ query: 'subscription { jobProgress(id: "job") { seq } }' }),
  );
  operations.leave(owner);
  const events = Object(await begun);
  expect(services.feed.stats().watchers).toBe(0);
  expect(await events.next()).toMatchObject({ done: true });
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

test.each<[string, SubscribePayload['extensions'], string]>([
  ['none is the header', undefined, HEADER],
  ['a text', { traceparent: OWN, tracestate: 'a=1' }, OWN],
  ['a number', { traceparent: 5 }, HEADER],
  ['a list', { traceparent: [OWN] }, HEADER],
  ['a state that is none', { traceparent: OWN, tracestate: [{ toString: 1 }] }, OWN],
])('the trace that an operation names: %s', async (_what, extensions, expected) => {
  const { begin, traces } = await openSocket();
  expect(await begin({ query: '{ __typename }', extensions })).toBeInstanceOf(AbortSignal);
  expect(traces).toEqual([expected]);
});

test('B02 a client that has no room left for an answer takes no event from others that ask for the same', async () => {
  const services = await testServices();
  services.feed.open('job');
  const { engine } = await testGraph(services);
  const bounds = testBounds();
  const operations = createSocketOperations({ ...bounds, engine, services, maxOperations: 2 });
  /** What a client is sent that watches the job. */
  const watch = async (client: string) => {
    const sent: string[] = [];
    const send = async (head: string, body: Buffer, tail: string) => void sent.push(`${head}${body}${tail}`);
    const extra = operations.enter({ requestId: 'r', identity: anonymous, client, headers: {}, send });
    const context: SocketContext = { connectionInitReceived: true, acknowledged: true, subscriptions: {}, extra };
    const payload = { query: 'subscription { jobProgress(id: "job") { seq } }' };
    const args = (await operations.hooks.onSubscribe?.(context, 'id', payload)) as ExecutionArgs;
    void Object(await operations.hooks.subscribe?.(args)).next();
    return sent;
  };
  // Whoever watches first is told first.
  const [full, other] = [await watch('full'), await watch('other')];
  expect(bounds.budgets.open('full').keep(16 * 1024 * 1024)).toBe(true);
  expect(bounds.budgets.hasRoom('full')).toBe(false);
  services.feed.say('job', testEvent(2));
  await vi.waitFor(() => expect([full.length, other.length]).toEqual([1, 1]));
  expect(full[0]).toContain('LIMIT_EXCEEDED');
  expect(other[0]).toContain('{"data":{"jobProgress":{"seq":2}}}');
});

test('B03 what is refused for want of a place holds no document', async () => {
  const services = await testServices();
  const { engine } = await testGraph(services);
  const options = { ...testBounds(), places: createPlaces(0), engine, services, maxOperations: 2 };
  const operations = createSocketOperations(options);
  const extra = operations.enter({
    requestId: 'r',
    identity: anonymous,
    client: 'a',
    headers: {},
    send: async () => undefined,
  });
  const context: SocketContext = { connectionInitReceived: true, acknowledged: true, subscriptions: {}, extra };
  for (let i = 0; i < 200; i++) {
    const query = `query Q${i} { __typename } # ${'x'.repeat(50_000)}`;
    expect(await operations.hooks.onSubscribe?.(context, String(i), { query })).toMatchObject([
      { message: 'Too many operations are open.' },
    ]);
  }
});

test('B02 who watches is told before the last of many events that another has asked for', async () => {
  const services = await testServices();
  for (const job of ['flood', 'guest']) services.feed.open(job);
  const { engine } = await testGraph(services);
  const order: string[] = [];
  const slow: Engine = {
    ...engine,
    executeEvent(operation, event) {
      // Longer than a turn.
      for (const until = performance.now() + 10; performance.now() < until; );
      return engine.executeEvent(operation, event);
    },
  };
  const operations = createSocketOperations({ ...testBounds(), engine: slow, services, maxOperations: 2 });
  const watch = async (client: string, alias: string) => {
    const send = async () => void order.push(client);
    const extra = operations.enter({ requestId: 'r', identity: anonymous, client, headers: {}, send });
    const context: SocketContext = { connectionInitReceived: true, acknowledged: true, subscriptions: {}, extra };
    const payload = { query: `subscription { jobProgress(id: "${client}") { ${alias}: seq } }` };
    const args = (await operations.hooks.onSubscribe?.(context, 'id', payload)) as ExecutionArgs;
    void Object(await operations.hooks.subscribe?.(args)).next();
  };
  const FLOOD = 20;
  for (let i = 0; i < FLOOD; i++) await watch('flood', `a${i}`);
  await watch('guest', 'a');
  services.feed.say('flood', testEvent(2));
  services.feed.say('guest', testEvent(2));
  await vi.waitFor(() => expect(order).toHaveLength(FLOOD + 1));
  expect(order.indexOf('guest')).toBeLessThan(FLOOD / 2);
});
