import { Client, cacheExchange, fetchExchange, subscriptionExchange } from '@urql/core';
import { createConnection } from '../connection.ts';

/**
 * An urql client for a gateway: subscriptions over WebSocket, everything else over HTTP. `url` is that of /graphql.
 * `close` ends the socket, which would keep a process alive.
 */
export function createGatewayClient(url: string) {
  const connection = createConnection(url);
  const client = new Client({
    url,
    fetch: connection.fetch,
    preferGetMethod: false,
    exchanges: [
      cacheExchange,
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query = '', variables }) => ({
          subscribe: (sink) => ({
            unsubscribe: connection.socket.subscribe(
              { query, variables: { ...variables } },
              {
                next: ({ data = null, errors = [] }) =>
                  sink.next(errors.length ? { data, errors: [...errors] } : { data }),
                error: (error) => sink.error(error),
                complete: () => sink.complete(),
              },
            ),
          }),
        }),
      }),
    ],
  });
  return { client, connection, close: connection.close };
}
