import { createHash } from 'node:crypto';

/** The calls of tools that wait at this gateway, which a client of 2025 cancels by another request. */
export interface OpenCalls {
  /** Until disposed of. `cancelled` aborts when its client says so. */
  open(caller: string, session: string | null, requestId: string | number): OpenCall;
  /** Says whether there was one. */
  cancel(caller: string, session: string | null, requestId: string | number): boolean;
}

export interface OpenCall extends Disposable {
  cancelled: AbortSignal;
}

export function createOpenCalls(): OpenCalls {
  const calls = new Map<string, AbortController>();
  return {
    open(caller, session, requestId) {
      const controller = new AbortController();
      const key = session === null ? null : `${caller} ${callKey(session, requestId)}`;
      if (key !== null) calls.set(key, controller);
      return {
        cancelled: controller.signal,
        [Symbol.dispose]() {
          if (key !== null && calls.get(key) === controller) calls.delete(key);
        },
      };
    },
    cancel(caller, session, requestId) {
      const call = session === null ? undefined : calls.get(`${caller} ${callKey(session, requestId)}`);
      call?.abort();
      return call !== undefined;
    },
  };
}

/** What a call of a session is known by at all gateways: the numbers of its requests are used once. */
export function callKey(session: string, requestId: string | number): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([session, requestId]))
    .digest('base64url');
  return `mcp:${hash}`;
}
