/** The calls that a child of the bench answers. This file imports nothing, since servers under test load it too. */
export type Handlers = Record<string, (args: unknown) => unknown>;

/** Answers `{id, call, args}` with `{id, result}` or `{id, error}` over the channel to the parent. */
export function answerParent(handlers: Handlers): void {
  process.on('message', (message) => {
    if (typeof message !== 'object' || message === null || !('call' in message) || !('id' in message)) return;
    const { id, call } = message;
    const handler = handlers[String(call)];
    if (!handler) return;
    Promise.resolve('args' in message ? message.args : undefined)
      .then(handler)
      .then(
        (result) => process.send?.({ id, result: result ?? null }),
        (error: unknown) =>
          process.send?.({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
      );
  });
}
