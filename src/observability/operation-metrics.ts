import { Counter, Gauge, Histogram } from 'prom-client';
import { isPassing, type JobEventType, jobEventTypes } from '../core/events.ts';
import { childrenOf } from './children.ts';
import type { OperationObserver, SubscriptionObserver } from './operation-observer.ts';
import { oneOf, type ProcessMetrics } from './process-metrics.ts';

/**
 * Every error code of an operation. Requests that are refused before they become an operation are counted in
 * http-metrics.ts.
 */
export const operationCodes = [
  'OK',
  'BAD_USER_INPUT',
  'CONFLICT',
  'FORBIDDEN',
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'IDEMPOTENCY_KEY_REUSED',
  'INTERNAL',
  'LIMIT_EXCEEDED',
  'NOT_FOUND',
  'OPERATION_RESOLUTION_FAILURE',
  'PERSISTED_QUERY_NOT_FOUND',
  'PERSISTED_QUERY_NOT_SUPPORTED',
  'PERSISTED_QUERY_ONLY',
  'UNAUTHENTICATED',
  'UNAVAILABLE',
];

/** In seconds, up to a minute, which is the longest `waitSeconds`. */
const OPERATION_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const EVENT_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/**
 * Counts and times operations. `subscriptions`: the names of the subscription fields. `now`: milliseconds since 1970 on
 * the clock of Redis, since events carry its time.
 */
export function createOperationMetrics(
  { registry }: ProcessMetrics,
  subscriptions: readonly string[],
  now: () => number,
): OperationObserver {
  const registers = [registry];
  const durations = new Histogram({
    name: 'comfygate_operation_duration_seconds',
    help: 'Time that operations took, by root field and by the code of their first error, or OK.',
    labelNames: ['operation', 'type', 'code'],
    buckets: OPERATION_BUCKETS,
    registers,
  });
  const firstEvents = new Histogram({
    name: 'comfygate_first_event_seconds',
    help: 'Time from the acceptance of a subscription until its first event has gone out.',
    labelNames: ['operation'],
    buckets: EVENT_BUCKETS,
    registers,
  });
  const deliveries = new Histogram({
    name: 'comfygate_event_delivery_seconds',
    help: 'Time from what happened, by the clock of Redis, until its event has gone out to a watcher.',
    buckets: EVENT_BUCKETS,
    registers,
  }).labels();
  const open = new Gauge({
    name: 'comfygate_subscriptions',
    help: 'Subscriptions that are open.',
    labelNames: ['operation'],
    registers,
  });
  const sent = new Counter({
    name: 'comfygate_events_sent_total',
    help: 'Events that have gone out to watchers.',
    labelNames: ['type'],
    registers,
  });
  const durationsOf = childrenOf(durations);
  const codeOf = oneOf(operationCodes);
  const subscriptionOf = oneOf(subscriptions);
  for (const name of subscriptions) open.set({ operation: name }, 0);
  // Looked up once, since `sent` is called for every event of thousands of watchers.
  const sentOf = new Map<unknown, Counter.Internal>(jobEventTypes.map((type) => [type, sent.labels(type)]));

  function onAccepted(field: string): SubscriptionObserver {
    const operation = subscriptionOf(field);
    const acceptedAt = now();
    let begun = false;
    let ended = false;
    open.inc({ operation });
    return {
      onSent(event) {
        const at = now();
        if (!begun) firstEvents.observe({ operation }, seconds(at - acceptedAt));
        begun = true;
        if (!isEvent(event)) return;
        sentOf.get(event.type)?.inc();
        // Events from before the subscription are replayed, and their age says nothing about the speed of delivery.
        if (event.at >= acceptedAt && happened(event.type)) deliveries.observe(seconds(at - event.at));
      },
      onEnded() {
        if (!ended) open.dec({ operation });
        ended = true;
      },
    };
  }

  return {
    onRefused({ operation, type }, code, took) {
      durationsOf(operation, type, codeOf(code)).observe(took);
    },
    onStarted({ operation, type }) {
      const began = performance.now();
      return {
        run: (work) => work(),
        onSettled(code) {
          const took = (performance.now() - began) / 1000;
          durationsOf(operation, type, code === null ? 'OK' : codeOf(code)).observe(took);
        },
        onAccepted: () => onAccepted(operation),
      };
    },
  };
}

/** Our estimate of Redis's clock may be slightly behind it, so a difference may be negative. */
const seconds = (ms: number) => Math.max(0, ms) / 1000;

function isEvent(event: unknown): event is { type: JobEventType; at: number } {
  return (
    typeof event === 'object' && event !== null && 'type' in event && 'at' in event && typeof event.at === 'number'
  );
}

/** Whether the time in an event is when it happened, and not when it was sent. */
const happened = (type: JobEventType) => type !== 'SNAPSHOT' && !isPassing(type);
