import type { ExecutionResult } from 'graphql';
import type { OperationLabels, OperationMetrics, SubscriptionMeter } from '../../observability/operation-metrics.ts';
import { type Engine, type Operation, signalIn, subscribeBy } from './engine.ts';
import { codeOf } from './errors.ts';
import { createOperationLabels, UNKNOWN_OPERATION } from './operation-labels.ts';

/** An engine whose operations are counted and timed, whichever transport they come by, and those that it refuses as well. */
export function createMeteredEngine(engine: Engine, metrics: OperationMetrics): Engine {
  const labelsOf = createOperationLabels(engine.schema);

  function answered(labels: OperationLabels, errors: readonly unknown[] | undefined, began: number): void {
    metrics.answered(labels, errors?.length ? codeOf(errors[0]) : null, (performance.now() - began) / 1000);
  }

  async function source(operation: Operation): Promise<AsyncIterable<unknown> | ExecutionResult> {
    const began = performance.now();
    const labels = labelsOf(operation.document, operation.operationName);
    const events = await engine.source(operation);
    const accepted = Symbol.asyncIterator in events;
    answered(labels, accepted ? undefined : events.errors, began);
    if (!accepted) return events;
    const meter = metrics.accepted(labels.operation);
    // Its transport may find that nobody can read it, and never begin to.
    const signal = signalIn(operation);
    signal?.addEventListener('abort', () => meter.ended(), { once: true });
    if (signal?.aborted) meter.ended();
    return meterEvents(events, meter);
  }

  return {
    ...engine,
    parse(text, requestId) {
      const began = performance.now();
      try {
        return engine.parse(text, requestId);
      } catch (error) {
        answered(UNKNOWN_OPERATION, [error], began);
        throw error;
      }
    },
    validate(document, requestId) {
      const began = performance.now();
      const faults = engine.validate(document, requestId);
      if (faults.length) answered(labelsOf(document, null), faults, began);
      return faults;
    },
    execute(operation) {
      const began = performance.now();
      const labels = labelsOf(operation.document, operation.operationName);
      const result = engine.execute(operation);
      if (!(result instanceof Promise)) {
        answered(labels, result.errors, began);
        return result;
      }
      return result.then((settled) => {
        answered(labels, settled.errors, began);
        return settled;
      });
    },
    source,
    subscribe: subscribeBy({ ...engine, source }),
    refused(errors, what) {
      answered(labelsOf(what.document, what.operationName), errors, performance.now());
      return engine.refused(errors, what);
    },
  };
}

/**
 * An event has gone out when its reader asks for the next one: both transports wait for that. No generator, see map-events.ts.
 */
function meterEvents(events: AsyncIterable<unknown>, meter: SubscriptionMeter): AsyncIterableIterator<unknown> {
  const iterator = events[Symbol.asyncIterator]();
  const done = { done: true, value: undefined } as const;
  /** On its way out; undefined: none is. */
  let last: unknown;

  const taken = (step: IteratorResult<unknown>) => {
    if (step.done) meter.ended();
    else last = step.value;
    return step;
  };
  const failed = (error: unknown) => {
    meter.ended();
    throw error;
  };
  return {
    next() {
      if (last !== undefined) meter.sent(last);
      last = undefined;
      return iterator.next().then(taken, failed);
    },
    async return() {
      meter.ended();
      await iterator.return?.();
      return done;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
