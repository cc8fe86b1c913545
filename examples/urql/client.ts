import { Client, cacheExchange, fetchExchange, subscriptionExchange } from '@urql/core';
import { createClient } from 'graphql-ws';

/**
 * An urql client for a gateway: subscriptions over WebSocket, everything else over HTTP. `url` is that of /graphql.
 * `close` ends the socket, which would keep a process alive.
 */
export function createGatewayClient(url: string) {
  const socket = createClient({
    url: url.replace(/^http/, 'ws'),
    retryAttempts: Number.POSITIVE_INFINITY,
    // Also when the gateway could not be reached at all, which is what a restart looks like.
    shouldRetry: () => true,
  });
  const client = new Client({
    url,
    preferGetMethod: false,
    exchanges: [
      cacheExchange,
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query = '', variables }) => ({
          subscribe: (sink) => ({
            unsubscribe: socket.subscribe(
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
  const close = async () => {
    await socket.dispose();
  };
  return { client, close };
}
