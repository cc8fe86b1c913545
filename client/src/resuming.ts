import type { Client, FormattedExecutionResult, Sink, SubscribePayload } from 'graphql-ws/client';

/**
 * `subscribe` of a client, but it subscribes again after UNAVAILABLE, and calls `onResume` then. A subscription to a
 * job whose document has `$afterSeq` goes on behind the last event that came, whatever broke the connection; any other
 * goes on with a SNAPSHOT.
 */
export function resuming(client: Client, onResume: () => void) {
  return <Data = Record<string, unknown>, Extensions = unknown>(
    payload: SubscribePayload,
    sink: Sink<FormattedExecutionResult<Data, Extensions>>,
  ): (() => void) => {
    let again: ReturnType<typeof setTimeout> | undefined;
    // The library sends the same object again, as it is then.
    const variables = { ...payload.variables };
    const request = { ...payload, variables };
    const goesOn = /\$afterSeq\b/.test(payload.query);
    let leave = start();
    function start(): () => void {
      let retryAfter: number | undefined;
      const later = (seconds: number) => {
        again = setTimeout(() => {
          leave = start();
          onResume();
        }, seconds * 1_000);
      };
      return client.subscribe<Data, Extensions>(request, {
        next(result) {
          retryAfter = result.data ? undefined : secondsUntilRetry(result.errors);
          if (goesOn) variables.afterSeq = seqOf(result.data) ?? variables.afterSeq;
          if (retryAfter === undefined) sink.next(result);
        },
        error(error) {
          const seconds = Array.isArray(error) ? secondsUntilRetry(error) : undefined;
          if (seconds === undefined) sink.error(error);
          else later(seconds);
        },
        complete() {
          if (retryAfter === undefined) sink.complete();
          else later(retryAfter);
        },
      });
    }
    return () => {
      clearTimeout(again);
      leave();
    };
  };
}

/** What the gateway says when it cannot serve now; undefined for any other error. */
function secondsUntilRetry(errors: FormattedExecutionResult['errors']): number | undefined {
  const extensions = errors?.[0]?.extensions;
  if (extensions?.code !== 'UNAVAILABLE') return undefined;
  return typeof extensions.retryAfter === 'number' ? extensions.retryAfter : 1;
}

/** The number of the event that an answer brings. */
function seqOf(data: unknown): number | undefined {
  const [event] = Object.values(data ?? {});
  return typeof event?.seq === 'number' ? event.seq : undefined;
}
