import { Client, fetchExchange, subscriptionExchange } from '@urql/core';
import { cacheExchange } from '@urql/exchange-graphcache';
import { type ConnectionOptions, createConnection } from '../connection.ts';
import { keys, possibleTypes, updates } from './graphcache.ts';

/**
 * An urql client for a gateway: subscriptions over WebSocket, everything else over HTTP, all into one normalised cache.
 * `url` is that of /graphql.
 * `close` ends the socket, which would keep a process alive.
 */
export function createGatewayClient(url: string, options: ConnectionOptions = {}) {
  const connection = createConnection(url, options);
  const client = new Client({
    url,
    fetch: connection.fetch,
    preferGetMethod: false,
    exchanges: [
      cacheExchange({ keys, possibleTypes, updates }),
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
