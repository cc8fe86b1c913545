import type { ObservedOperation, OperationObserver, SubscriptionObserver } from './operation-observer.ts';
import { pastSpan, type SpanDetails, startSpan } from './spans.ts';

/**
 * Records a span for each operation. For a subscription it ends with the acceptance, since events may come for hours.
 */
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
        onAccepted: () => notFollowed,
      };
    },
  };
}

const notFollowed: SubscriptionObserver = { onSent: () => undefined, onEnded: () => undefined };

const nameOf = ({ type, operation }: ObservedOperation) => `graphql.${type} ${operation}`;

function detailsOf({ type, requestId }: ObservedOperation): SpanDetails {
  const request = requestId === undefined ? {} : { 'comfygate.request.id': requestId };
  return { kind: 'server', attributes: { 'graphql.operation.type': type, ...request } };
}
