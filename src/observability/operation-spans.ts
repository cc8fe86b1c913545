import type { ObservedOperation, OperationObserver } from './operation-observer.ts';
import { pastSpan, type SpanDetails, startSpan } from './spans.ts';

/** A span for each operation. That of a subscription ends when it is accepted, since it may go on for hours. */
export function createOperationSpans(): OperationObserver {
  return {
    onRefused(operation, code) {
      const now = Date.now();
      pastSpan(nameOf(operation), { ...detailsOf(operation), from: now, to: now, code });
    },
    onStarted(operation) {
      const span = startSpan(nameOf(operation), detailsOf(operation));
      return {
        run: span.run,
        onSettled(code) {
          if (code !== null) span.fail(code);
          span.end();
        },
        onAccepted: () => ({ onSent: () => undefined, onEnded: () => undefined }),
      };
    },
  };
}

const nameOf = ({ type, operation }: ObservedOperation) => `graphql.${type} ${operation}`;

function detailsOf({ type, requestId }: ObservedOperation): SpanDetails {
  const request = requestId === undefined ? {} : { 'comfygate.request.id': requestId };
  return { kind: 'server', attributes: { 'graphql.operation.type': type, ...request } };
}
