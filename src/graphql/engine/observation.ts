import type { ExecutionResult, GraphQLSchema } from 'graphql';
import type { OperationObserver, SubscriptionObserver } from '../../observability/operation-observer.ts';
import { codeOf } from './errors.ts';
import { type Operation, type RefusedOperation, requestIdIn } from './operation.ts';
import { createOperationLabels } from './operation-labels.ts';

type Source = AsyncIterable<unknown> | ExecutionResult;

/** Where the engine calls its observer. */
export interface Observation {
  /** `began`: when it was first looked at, by performance.now(). */
  refused(operation: RefusedOperation, errors: readonly unknown[], began: number): void;
  execute(
    operation: Operation,
    work: () => Promise<ExecutionResult> | ExecutionResult,
  ): Promise<ExecutionResult> | ExecutionResult;
  source(operation: Operation, work: () => Promise<Source>): Promise<Source>;
}

/** Does the work and nothing else. */
export const noObservation: Observation = {
  refused: () => undefined,
  execute: (_operation, work) => work(),
  source: (_operation, work) => work(),
};

export function createObservation(schema: GraphQLSchema, observer: OperationObserver): Observation {
  const labelsOf = createOperationLabels(schema);

  function start(operation: Operation) {
    const labels = labelsOf(operation.document, operation.operationName);
    const started = observer.onStarted({ ...labels, requestId: requestIdIn(operation) });
    return {
      ...started,
      answered<T extends Source>(result: T): T {
        started.onSettled('errors' in result && result.errors?.length ? codeOf(result.errors[0]) : null);
        return result;
      },
      failed(error: unknown): never {
        started.onSettled(codeOf(error));
        throw error;
      },
    };
  }

  return {
    refused({ document, operationName, requestId }, errors, began) {
      const seconds = (performance.now() - began) / 1000;
      observer.onRefused({ ...labelsOf(document, operationName), requestId }, codeOf(errors[0]), seconds);
    },
    execute(operation, work) {
      const { run, answered, failed } = start(operation);
      try {
        const result = run(work);
        return result instanceof Promise ? result.then(answered, failed) : answered(result);
      } catch (error) {
        return failed(error);
      }
    },
    async source(operation, work) {
      const { run, answered, failed, onAccepted } = start(operation);
      const source = await run(work).then(answered, failed);
      return Symbol.asyncIterator in source ? observeEvents(source, onAccepted()) : source;
    },
  };
}

/**
 * An event has gone out when its reader asks for the next one: both transports wait for that. No generator, see
 * map-events.ts.
 */
function observeEvents(
  events: AsyncIterable<unknown>,
  { onSent, onEnded }: SubscriptionObserver,
): AsyncIterableIterator<unknown> {
  const iterator = events[Symbol.asyncIterator]();
  const done = { done: true, value: undefined } as const;
  /** On its way out; undefined: none is. */
  let last: unknown;

  const taken = (step: IteratorResult<unknown>) => {
    if (step.done) onEnded();
    else last = step.value;
    return step;
  };
  const failed = (error: unknown) => {
    onEnded();
    throw error;
  };
  return {
    next() {
      if (last !== undefined) onSent(last);
      last = undefined;
      return iterator.next().then(taken, failed);
    },
    async return() {
      onEnded();
      await iterator.return?.();
      return done;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
