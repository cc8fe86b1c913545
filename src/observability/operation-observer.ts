/** An operation as observers know it: nothing in it is of a caller's making. */
export interface ObservedOperation {
  /** Name of its one root field; `other` where it has none or several. */
  operation: string;
  type: 'query' | 'mutation' | 'subscription' | 'other';
  requestId?: string | undefined;
}

/**
 * Follows GraphQL operations, whichever transport they come by. A `code` is that of the first error in the answer;
 * null: there is none.
 */
export interface OperationObserver {
  /** An operation was refused before it began: by its document, or by its transport. `seconds`: how long that took. */
  onRefused(operation: ObservedOperation, code: string, seconds: number): void;
  /** An operation begins. */
  onStarted(operation: ObservedOperation): StartedOperation;
}

export interface StartedOperation {
  /** Does the operation's work, as a part of what this observer makes of it. */
  run<T>(work: () => T): T;
  /** It was answered. A subscription is when it is accepted. */
  onSettled(code: string | null): void;
  /** It is a subscription, and was accepted. */
  onAccepted(): SubscriptionObserver;
}

export interface SubscriptionObserver {
  /** An event has gone out to its watcher. */
  onSent(event: unknown): void;
  /** It is over, whoever ended it. Any number of times. */
  onEnded(): void;
}

/** Each of them follows all operations. */
export function observeAll(observers: readonly OperationObserver[]): OperationObserver {
  return {
    onRefused(operation, code, seconds) {
      for (const observer of observers) observer.onRefused(operation, code, seconds);
    },
    onStarted(operation) {
      const started = observers.map((observer) => observer.onStarted(operation));
      return {
        run: <T>(work: () => T) =>
          started.reduceRight(
            (inner, { run }) =>
              () =>
                run(inner),
            work,
          )(),
        onSettled(code) {
          for (const each of started) each.onSettled(code);
        },
        onAccepted() {
          const accepted = started.map((each) => each.onAccepted());
          return {
            onSent(event) {
              for (const each of accepted) each.onSent(event);
            },
            onEnded() {
              for (const each of accepted) each.onEnded();
            },
          };
        },
      };
    },
  };
}
