import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { expect, test } from 'vitest';
import { createSocketOperations } from '../../../src/http/graphql/socket-operations.ts';
import { createOperationSpans } from '../../../src/observability/operation-spans.ts';
import { testGraph, testServices } from '../../support/graph-services.ts';

test('what is refused has a span, whoever refuses it, with its code and the request', async () => {
  const exporter = new InMemorySpanExporter();
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }));
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const services = await testServices();
  const { engine } = await testGraph(services, createOperationSpans());
  const operations = createSocketOperations({ engine, services, maxOperations: 1 });
  const owner = operations.enter({ requestId: 'r', caller: 'c', headers: {}, send: async () => {} });
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
