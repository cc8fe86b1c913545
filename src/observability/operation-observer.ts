/** The labels of an operation. They have a fixed set of values, which callers cannot extend. */
export interface ObservedOperation {
  /** The name of its only root field, or `other` where it has none or several. */
  operation: string;
  type: 'query' | 'mutation' | 'subscription' | 'other';
  requestId?: string | undefined;
}

/**
 * Observes GraphQL operations of every transport. A `code` is that of the first error in the answer, or null where
 * there is none.
 */
export interface OperationObserver {
  /** An operation was refused before it began: by its document, or by its transport. `seconds`: how long that took. */
  onRefused(operation: ObservedOperation, code: string, seconds: number): void;
  /** An operation begins. */
  onStarted(operation: ObservedOperation): StartedOperation;
}

export interface StartedOperation {
  /** Runs the work of the operation within the observer's context, such as a span. */
  run<T>(work: () => T): T;
  /** The operation was answered; for a subscription this is when it was accepted. */
  onSettled(code: string | null): void;
  /** The operation is a subscription, and was accepted. */
  onAccepted(): SubscriptionObserver;
}

export interface SubscriptionObserver {
  /** An event was sent to the watcher. */
  onSent(event: unknown): void;
  /** The subscription has ended, by whichever side. May be called any number of times. */
  onEnded(): void;
}

/** Combines observers into one that calls all of them. */
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
