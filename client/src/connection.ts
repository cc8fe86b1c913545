import type { Client } from 'graphql-ws/client';
import { credentialsOf, type Token } from './credentials.ts';
import { createPatientFetch } from './patient-fetch.ts';
import { createReach } from './reach.ts';
import { createSocket } from './socket.ts';
import { TIMEOUTS, type Timeouts } from './timeouts.ts';

export type { ConnectionState } from './reach.ts';

export interface ConnectionOptions {
  token?: Token | undefined;
  /** Default: that of the runtime. */
  fetch?: typeof globalThis.fetch | undefined;
  /** Default: that of the runtime. Node 20 has none: to watch jobs there, give that of the package `ws`. */
  WebSocket?: unknown;
  /** How long to wait for what, in milliseconds. */
  timeouts?: Partial<Timeouts> | undefined;
}

export type Connection = ReturnType<typeof createConnection>;

/**
 * What the clients of a page share: one WebSocket and one `fetch`, neither of which waits forever on a path that has
 * gone silent, and which both come back by themselves after an outage of any length. `url` is that of /graphql.
 */
export function createConnection(url: string, options: ConnectionOptions = {}) {
  const { token, fetch = globalThis.fetch.bind(globalThis), WebSocket = globalThis.WebSocket } = options;
  const timeouts = { ...TIMEOUTS, ...options.timeouts };
  const credentials = credentialsOf(token);
  const ending = new AbortController();
  const ended = ending.signal;
  const reach = createReach(url, fetch, timeouts, ended);
  const patient = createPatientFetch({ fetch, reach, timeouts, credentials, ended });
  const socket = createSocket({ url, reach, timeouts, credentials, WebSocket });

  return {
    /** For `GraphQLWsLink` and the like; its `subscribe` goes on by itself, see `resuming`. */
    socket: socket satisfies Client,
    ...patient,
    /** To be shown on the page; with React: `useSyncExternalStore(connection.onState, connection.state)`. */
    state: reach.state,
    onState: reach.onState,
    /** Calls when subscriptions have begun or begun again: events of `jobsProgress` before it may have been missed. */
    onResume: socket.onResume,
    /** Ends the socket, which would keep a process alive, and all that waits. */
    async close() {
      ending.abort();
      await socket.dispose();
    },
  };
}
