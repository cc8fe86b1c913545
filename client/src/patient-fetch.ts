import type { Credentials } from './credentials.ts';
import { isUnavailable, type Reach } from './reach.ts';
import type { Timeouts } from './timeouts.ts';

/** Calls that fail although the gateway can be reached, such as those of a page whose origin may not call. */
const MAX_REFUSALS = 3;

/** So many files are being sent from this address already. */
const TOO_MANY_REQUESTS = 429;

export interface PatientFetchOptions {
  fetch: typeof globalThis.fetch;
  reach: Reach;
  timeouts: Timeouts;
  credentials: Credentials | undefined;
  ended: AbortSignal;
}

/** What sends again what had no answer, when the gateway is back. */
export function createPatientFetch({ fetch, reach, timeouts, credentials, ended }: PatientFetchOptions) {
  async function patiently(
    attemptOnce: (signal: AbortSignal) => Promise<Response>,
    isOver: (status: number) => boolean,
    timeoutMs: number,
    caller: AbortSignal | null | undefined,
  ): Promise<Response> {
    const over = AbortSignal.any([ended, ...(caller ? [caller] : [])]);
    for (let attempt = 0, refusals = 0; ; attempt++) {
      over.throwIfAborted();
      try {
        const response = await attemptOnce(AbortSignal.any([over, AbortSignal.timeout(timeoutMs)]));
        if (isOver(response.status)) {
          reach.become('online');
          return response;
        }
      } catch (error) {
        if (over.aborted || ((await reach.isReachable()) && ++refusals === MAX_REFUSALS)) throw error;
      }
      reach.become('lost');
      await untilAborted(over, reach.back(attempt));
    }
  }

  return {
    /** As the browser's. Every mutation of the API may be sent again: `generate` and `retryJob` have a key. */
    fetch: ((input, init?) =>
      patiently(
        async (signal) => {
          const headers = { ...Object.fromEntries(new Headers(init?.headers)), ...(await credentials?.now()) };
          const response = await fetch(input, { ...init, headers, signal });
          reach.foundReadable();
          // One that is cut off within its body is no answer either.
          const body = await response.arrayBuffer();
          return new Response(body.byteLength > 0 ? body : null, response);
        },
        (status) => !isUnavailable(status),
        timeouts.answer,
        init?.signal,
      )) satisfies typeof globalThis.fetch,
    /** For a file to a signed address, which needs no other credential, and takes the same file again. */
    sendFile: (to: string, init: RequestInit): Promise<Response> =>
      patiently(
        (signal) => fetch(to, { ...init, signal }),
        (status) => !isUnavailable(status) && status !== TOO_MANY_REQUESTS,
        timeouts.file,
        init.signal,
      ),
  };
}

/** Waits for `back`, or for less where the signal is aborted. Nothing is left at the signal, which may live long. */
async function untilAborted(signal: AbortSignal, back: Promise<unknown>): Promise<void> {
  const waits = new AbortController();
  const left = new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { signal: waits.signal });
  });
  await Promise.race([back, left]).finally(() => waits.abort());
}
