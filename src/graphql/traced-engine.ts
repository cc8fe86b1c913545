import type { ExecutionResult } from 'graphql';
import type { OperationLabels } from '../observability/operation-metrics.ts';
import { inSpan, type OpenSpan, pastSpan, type SpanDetails } from '../observability/spans.ts';
import { type Engine, type Operation, requestIdIn, subscribeBy } from './engine.ts';
import { codeOf } from './errors.ts';
import { createOperationLabels, UNKNOWN_OPERATION } from './operation-labels.ts';

/**
 * An engine whose operations have spans, whichever transport they come by, and those that it refuses as well. A subscription's
 * ends when it has begun, since it may go on for hours.
 */
export function createTracedEngine(engine: Engine): Engine {
  const labelsOf = createOperationLabels(engine.schema);

  function traced<T>(operation: Operation, work: (span: OpenSpan) => T): T {
    const labels = labelsOf(operation.document, operation.operationName);
    const requestId = requestIdIn(operation);
    const attributes = requestId === undefined ? {} : { 'comfygate.request.id': requestId };
    return inSpan(nameOf(labels), detailsOf(labels, attributes), work);
  }

  /** What is refused before it is an operation that could be executed. */
  function refused(labels: OperationLabels, error: unknown): void {
    const now = Date.now();
    pastSpan(nameOf(labels), { ...detailsOf(labels), from: now, to: now, code: codeOf(error) });
  }

  const source = (operation: Operation) =>
    traced(operation, async (span) => told(span, await engine.source(operation)));

  return {
    ...engine,
    parse(text) {
      try {
        return engine.parse(text);
      } catch (error) {
        refused(UNKNOWN_OPERATION, error);
        throw error;
      }
    },
    validate(document) {
      const faults = engine.validate(document);
      if (faults.length) refused(labelsOf(document, null), faults[0]);
      return faults;
    },
    execute: (operation) =>
      traced(operation, (span) => {
        const result = engine.execute(operation);
        return result instanceof Promise ? result.then((settled) => told(span, settled)) : told(span, result);
      }),
    source,
    subscribe: subscribeBy({ ...engine, source }),
  };
}

const nameOf = ({ type, operation }: OperationLabels) => `graphql.${type} ${operation}`;

function detailsOf({ type }: OperationLabels, attributes: SpanDetails['attributes'] = {}): SpanDetails {
  return { kind: 'server', attributes: { 'graphql.operation.type': type, ...attributes } };
}

function told<T extends AsyncIterable<unknown> | ExecutionResult>(span: OpenSpan, result: T): T {
  if ('errors' in result && result.errors?.length) span.fail(codeOf(result.errors[0]));
  return result;
}
