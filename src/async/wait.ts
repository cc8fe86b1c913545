import { setTimeout as delay } from 'node:timers/promises';

/** Resolves after so long; rejects with the signal's reason when it is aborted before. */
export async function wait(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal });
  } catch (cause) {
    signal.throwIfAborted();
    throw cause;
  }
}
