import { type Client, CloseCode, createClient } from 'graphql-ws/client';
import type { Credentials } from './credentials.ts';
import { createListeners } from './listeners.ts';
import type { Reach } from './reach.ts';
import { resuming } from './resuming.ts';
import type { Timeouts } from './timeouts.ts';

const DAY = 86_400_000;

export interface SocketOptions {
  url: string;
  reach: Reach;
  timeouts: Timeouts;
  credentials: Credentials | undefined;
  /** Of this runtime; undefined where it has none. */
  WebSocket: unknown;
}

/** One WebSocket for all subscriptions, which does not wait forever on a path that has gone silent. */
export function createSocket({ url, reach, timeouts, credentials, WebSocket }: SocketOptions) {
  const { ping, pong, connect, renew, renewPause } = timeouts;
  const resumeListeners = createListeners();
  let made: Client | undefined;
  let open: WebSocket | undefined;
  let silence: ReturnType<typeof setTimeout> | undefined;
  let renewal: ReturnType<typeof setTimeout> | undefined;

  function expectSignOfLife(withinMs: number) {
    clearTimeout(silence);
    // Not `close`, which waits for the other side: in Chromium a minute.
    silence = setTimeout(() => made?.terminate(), withinMs);
  }
  function stopWaiting() {
    clearTimeout(silence);
    silence = undefined;
  }

  /** Gives the socket the next token in time. `told`: what the gateway says of the present one. */
  function renewInTime(socket: WebSocket, told: unknown) {
    const endsAt = endOf(told);
    if (!credentials?.renew || endsAt === undefined) return;
    clearTimeout(renewal);
    const left = endsAt - Date.now();
    const wait = Math.min(Math.max(left - renew, left / 2, renewPause), DAY);
    renewal = setTimeout(async () => {
      try {
        const payload = await credentials.now();
        // Its answer says until when the socket is good from now on.
        if (socket.readyState === socket.OPEN) socket.send(JSON.stringify({ type: 'ping', payload }));
      } catch {
        // Until the present one has ended, upon which the socket is closed and made anew.
        if (socket.readyState === socket.OPEN) renewInTime(socket, told);
      }
    }, wait);
  }

  /** After the subscriptions themselves, which follow in this turn of the event loop: what is asked now is newer. */
  const resumed = () => void setTimeout(resumeListeners.tell);

  /** Made when it is first needed: what only calls needs no WebSocket. */
  function client(): Client {
    if (!WebSocket) throw new Error('this runtime has no WebSocket: pass createComfy that of the package ws');
    made ??= createClient({
      url: url.replace(/^http/, 'ws'),
      keepAlive: ping,
      webSocketImpl: WebSocket,
      ...(credentials && { connectionParams: credentials.now }),
      retryAttempts: Number.POSITIVE_INFINITY,
      // Also when the gateway could not be reached at all. Codes that say that the client is wrong end it nevertheless,
      // and so does one that says that the token is, where there is no other.
      shouldRetry: (closed) => credentials?.renew || (closed as CloseEvent).code !== CloseCode.Forbidden,
      retryWait: reach.back,
      on: {
        connecting: () => expectSignOfLife(connect),
        connected(socket, told) {
          open = socket as WebSocket;
          renewInTime(open, told);
          reach.become('online');
          resumed();
        },
        ping: (received) => {
          if (!received) expectSignOfLife(pong);
        },
        pong: (_received, told) => open && renewInTime(open, told),
        message({ type }) {
          if (type === 'pong' || type === 'connection_ack') stopWaiting();
          // A long answer before the pong. Stopping here would leave nobody waiting for the pong.
          else if (silence !== undefined) expectSignOfLife(pong);
        },
        closed(event) {
          stopWaiting();
          clearTimeout(renewal);
          // 1000: nobody is subscribed any more.
          if ((event as CloseEvent).code !== 1000) reach.become('lost');
        },
      },
    });
    return made;
  }

  return {
    on: (...args) => client().on(...args),
    iterate: (...args) => client().iterate(...args),
    subscribe: (...args) => resuming(client(), resumed)(...args),
    terminate: () => made?.terminate(),
    async dispose() {
      stopWaiting();
      clearTimeout(renewal);
      // It rejects where there was no connection to end.
      await made?.dispose()?.catch(() => undefined);
    },
    onResume: resumeListeners.add,
  } satisfies Client & { onResume: unknown };
}

/** When the token of a socket ends, by the gateway's acknowledgement or its pong; undefined where neither says it. */
function endOf(told: unknown): number | undefined {
  const { authorization } = (told ?? {}) as { authorization?: { expiresAt?: string | null } };
  return authorization?.expiresAt ? Date.parse(authorization.expiresAt) : undefined;
}
