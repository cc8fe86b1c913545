import type { ExecutionResult } from 'graphql';
import type { OperationLabels } from '../../observability/operation-metrics.ts';
import { inSpan, type OpenSpan, pastSpan, type SpanDetails } from '../../observability/spans.ts';
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
    return inSpan(nameOf(labels), detailsOf(labels, requestIdIn(operation)), work);
  }

  /** What is refused before it is an operation that could be executed. */
  function refused(labels: OperationLabels, error: unknown, requestId: string | undefined): void {
    const now = Date.now();
    pastSpan(nameOf(labels), { ...detailsOf(labels, requestId), from: now, to: now, code: codeOf(error) });
  }

  const source = (operation: Operation) =>
    traced(operation, async (span) => told(span, await engine.source(operation)));

  return {
    ...engine,
    parse(text, requestId) {
      try {
        return engine.parse(text, requestId);
      } catch (error) {
        refused(UNKNOWN_OPERATION, error, requestId);
        throw error;
      }
    },
    validate(document, requestId) {
      const faults = engine.validate(document, requestId);
      if (faults.length) refused(labelsOf(document, null), faults[0], requestId);
      return faults;
    },
    execute: (operation) =>
      traced(operation, (span) => {
        const result = engine.execute(operation);
        return result instanceof Promise ? result.then((settled) => told(span, settled)) : told(span, result);
      }),
    source,
    subscribe: subscribeBy({ ...engine, source }),
    refused(errors, what) {
      refused(labelsOf(what.document, what.operationName), errors[0], what.requestId);
      return engine.refused(errors, what);
    },
  };
}

const nameOf = ({ type, operation }: OperationLabels) => `graphql.${type} ${operation}`;

function detailsOf({ type }: OperationLabels, requestId: string | undefined): SpanDetails {
  const request = requestId === undefined ? {} : { 'comfygate.request.id': requestId };
  return { kind: 'server', attributes: { 'graphql.operation.type': type, ...request } };
}

function told<T extends AsyncIterable<unknown> | ExecutionResult>(span: OpenSpan, result: T): T {
  if ('errors' in result && result.errors?.length) span.fail(codeOf(result.errors[0]));
  return result;
}
