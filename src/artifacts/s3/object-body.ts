import { finished, PassThrough, type Readable } from 'node:stream';

/**
 * The bytes of `source`, whose failures reach the reader as `explain` gives them, and the signal's reason when it
 * aborts. Destroyed or read to its end, it leaves nothing open.
 */
export function objectBody(source: Readable, signal: AbortSignal, explain: (cause: unknown) => Error): Readable {
  const body = new PassThrough();
  // Whoever reads it still learns of a failure; one that nobody has begun to read must not end the process.
  body.on('error', () => undefined);
  const giveUp = () => body.destroy(signal.reason);
  signal.addEventListener('abort', giveUp, { once: true });
  body.once('close', () => {
    signal.removeEventListener('abort', giveUp);
    source.destroy();
  });
  finished(source, (cause) => {
    if (cause) body.destroy(explain(cause));
  });
  source.pipe(body);
  if (signal.aborted) giveUp();
  return body;
}
