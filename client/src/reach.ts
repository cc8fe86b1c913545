import { createListeners } from './listeners.ts';
import { sleep, type Timeouts } from './timeouts.ts';

/** `lost`: the gateway cannot be reached at the moment, and is tried again and again. */
export type ConnectionState = 'online' | 'lost';

/** Of an answer that no gateway has given, or one that cannot serve now. The same call may be sent again. */
export const isUnavailable = (status: number) => status === 502 || status === 503 || status === 504;

export type Reach = ReturnType<typeof createReach>;

/** Whether the gateway can be reached, as far as calls and sockets have found out, and how to wait until it can. */
export function createReach(url: string, fetch: typeof globalThis.fetch, timeouts: Timeouts, ended: AbortSignal) {
  const { probe, firstWait, maxWait } = timeouts;
  const listeners = createListeners();
  let mayRead = false;
  let state: ConnectionState = 'online';
  let probing: Promise<void> | undefined;

  /** Half of each wait is random: pages that were cut off together do not come back in the same moment. */
  const pause = (attempt: number) =>
    sleep(Math.min(maxWait, firstWait * 2 ** attempt) * (0.5 + Math.random() / 2), ended);

  async function isReachable(): Promise<boolean> {
    try {
      const signal = AbortSignal.any([ended, AbortSignal.timeout(probe)]);
      // A gateway that refuses this page can be seen without CORS only. To a page that it has answered it is not there
      // while a proxy answers in its place, whose 502 has no CORS headers and cannot be told from any other answer.
      const mode = mayRead ? 'cors' : 'no-cors';
      const response = await fetch(`${url}?query={__typename}`, { mode, cache: 'no-store', signal });
      return !isUnavailable(response.status);
    } catch {
      return false;
    }
  }

  async function probeUntilReachable() {
    for (let attempt = 0; !ended.aborted && !(await isReachable()); attempt++) await pause(attempt);
    probing = undefined;
  }

  return {
    state: () => state,
    onState: listeners.add,
    become(next: ConnectionState) {
      if (state === next) return;
      state = next;
      listeners.tell();
    },
    /** The gateway lets this page read its answers. */
    foundReadable() {
      mayRead = true;
    },
    isReachable,
    /**
     * Resolves when the gateway can be reached, not before a pause. Asked by `fetch`, since browsers delay new
     * WebSockets after failed ones: Firefox for up to a minute.
     */
    async back(attempt: number): Promise<void> {
      await pause(attempt);
      probing ??= probeUntilReachable();
      await probing;
    },
  };
}
