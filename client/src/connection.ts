import type { Client } from 'graphql-ws/client';
import { createPatientFetch } from './patient-fetch.ts';
import { createReach } from './reach.ts';
import { createSocket } from './socket.ts';
import { TIMEOUTS, type Timeouts } from './timeouts.ts';

export type { ConnectionState } from './reach.ts';

export interface ConnectionOptions {
  /**
   * An API key, a watch token, or the token of whoever is logged in. A function is asked with every call and every
   * connection, and again before the token ends. Keep it, and renew it in good time, as the libraries of login services
   * do. Where it rejects it is asked again.
   */
  token?: string | (() => string | Promise<string>) | undefined;
  /** Default: that of the runtime. */
  fetch?: typeof globalThis.fetch | undefined;
  /** Default: that of the runtime. Node 20 has none: give it that of the package `ws`. */
  WebSocket?: unknown;
  /** How long to wait for what, in milliseconds. */
  timeouts?: Partial<Timeouts> | undefined;
}

/** What says who calls, in the headers of a call and in the first message of a socket. */
export type Credentials = () => Promise<{ authorization: string }>;

export type Connection = ReturnType<typeof createConnection>;

/**
 * What the clients of a page share: one WebSocket and one `fetch`, neither of which waits forever on a path that has
 * gone silent, and which both come back by themselves after an outage of any length. `url` is that of /graphql.
 */
export function createConnection(url: string, options: ConnectionOptions = {}) {
  const { token, fetch = globalThis.fetch.bind(globalThis), WebSocket = globalThis.WebSocket } = options;
  if (!WebSocket) throw new Error('expected a WebSocket, which this runtime lacks: pass that of the package ws as one');
  const timeouts = { ...TIMEOUTS, ...options.timeouts };
  const renews = typeof token === 'function';
  const credentials: Credentials | undefined = token
    ? async () => ({ authorization: `Bearer ${renews ? await token() : token}` })
    : undefined;

  const ending = new AbortController();
  const ended = ending.signal;
  const reach = createReach(url, fetch, timeouts, ended);
  const patient = createPatientFetch({ fetch, reach, timeouts, credentials, ended });
  const socket = createSocket({ url, reach, timeouts, credentials, renews, WebSocket });

  return {
    /** For `GraphQLWsLink` and the like; its `subscribe` goes on by itself, see `resuming`. */
    socket: socket.client satisfies Client,
    ...patient,
    /** To be shown on the page; with React: `useSyncExternalStore(connection.onState, connection.state)`. */
    state: reach.state,
    onState: reach.onState,
    /** Calls when subscriptions have begun or begun again: events of `jobsProgress` before it may have been missed. */
    onResume: socket.onResume,
    /** Ends the socket, which would keep a process alive, and all that waits. */
    async close() {
      ending.abort();
      await socket.close();
    },
  };
}
