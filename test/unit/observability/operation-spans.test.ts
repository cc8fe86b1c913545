import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { anonymous } from '../../../src/callers/identity.ts';
import { notFound } from '../../../src/core/errors.ts';
import { createSocketOperations } from '../../../src/http/graphql/socket-operations.ts';
import { createOperationMetrics } from '../../../src/observability/operation-metrics.ts';
import { observeAll } from '../../../src/observability/operation-observer.ts';
import { createOperationSpans } from '../../../src/observability/operation-spans.ts';
import { createProcessMetrics } from '../../../src/observability/process-metrics.ts';
import { inSpan } from '../../../src/observability/spans.ts';
import { parseFigures } from '../../support/figures.ts';
import { testBounds, testGraph, testServices } from '../../support/graph-services.ts';

const exporter = new InMemorySpanExporter();

beforeAll(() => {
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }));
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
});
beforeEach(() => exporter.reset());

test('what is refused has a span, whoever refuses it, with its code and the request', async () => {
  const services = await testServices();
  const { engine } = await testGraph(services, createOperationSpans());
  const operations = createSocketOperations({ ...testBounds(), engine, services, maxOperations: 1 });
  const owner = operations.enter({
    requestId: 'r',
    identity: anonymous,
    client: 'a',
    headers: {},
    send: async () => {},
  });
  const socket = { connectionInitReceived: true, acknowledged: true, subscriptions: {}, extra: owner };
  const begin = (query: string) => operations.hooks.onSubscribe?.(socket, 'id', { query });
  await begin('mutation { deleteJob(id: "a") }');
  await begin('{');
  await begin('{ nothing }');
  await begin('{ health { status } }');
  await begin('{ health { status } }');
  const told = exporter.getFinishedSpans().map(({ name, attributes }) => [name, attributes['error.type']]);
  expect(told).toEqual([
    ['graphql.mutation deleteJob', 'FORBIDDEN'],
    ['graphql.other other', 'GRAPHQL_PARSE_FAILED'],
    ['graphql.query other', 'GRAPHQL_VALIDATION_FAILED'],
    ['graphql.other other', 'LIMIT_EXCEEDED'],
  ]);
  for (const { attributes } of exporter.getFinishedSpans()) expect(attributes['comfygate.request.id']).toBe('r');
});

test('what an operation does is within its span, which fails with the code of its answer', async () => {
  const services = await testServices({
    jobs: {
      get: (_identity, id) =>
        inSpan('read', {}, async () => {
          if (id === 'b') throw notFound('job');
          return null;
        }),
    },
  });
  const { run } = await testGraph(services, createOperationSpans());
  await run('{ job(id: "a") { id } }');
  await run('{ job(id: "b") { id } }');
  const [readA, a, readB, b] = exporter.getFinishedSpans();
  for (const [inner, operation] of [
    [readA, a],
    [readB, b],
  ]) {
    expect(operation).toMatchObject({ name: 'graphql.query job', attributes: { 'graphql.operation.type': 'query' } });
    expect(inner?.parentSpanContext?.spanId).toBe(operation?.spanContext().spanId);
  }
  expect([a, b].map((span) => span?.attributes['error.type'])).toEqual([undefined, 'NOT_FOUND']);
});

test('the span of a subscription ends when it is accepted', async () => {
  const services = await testServices();
  services.feed.open('job');
  const { engine, contextValue } = await testGraph(services, createOperationSpans());
  const document = engine.parse('subscription { jobProgress(id: "job") { seq } }');
  const events = await engine.source({ document, contextValue });
  expect(Symbol.asyncIterator in events).toBe(true);
  expect(exporter.getFinishedSpans().map(({ name }) => name)).toEqual(['graphql.subscription jobProgress']);
});

test('metrics and spans can follow the same operations', async () => {
  const process = createProcessMetrics({ role: 'gateway', version: '1' });
  const observer = observeAll([createOperationMetrics(process, ['jobProgress'], Date.now), createOperationSpans()]);
  const services = await testServices();
  const { run } = await testGraph(services, observer);
  await run('{ health { status } }');
  await run('{ nothing }');
  expect(exporter.getFinishedSpans().map(({ name }) => name)).toEqual(['graphql.query health', 'graphql.query other']);
  const figures = parseFigures(await process.text());
  const count = (labels: object) =>
    figures.value('comfygate_operation_duration_seconds_count', { type: 'query', ...labels });
  expect(count({ operation: 'health', code: 'OK' })).toBe(1);
  expect(count({ operation: 'other', code: 'GRAPHQL_VALIDATION_FAILED' })).toBe(1);
});
