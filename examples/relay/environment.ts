import { Environment, type GraphQLResponse, Network, Observable, RecordSource, Store } from 'relay-runtime';
import { type ConnectionOptions, createConnection } from '../connection.ts';
import { missingFieldHandlers } from './missing-fields.ts';

/**
 * A Relay environment for a gateway: subscriptions over WebSocket, everything else over HTTP, all into one store. `url`
 * is that of /graphql. `close` ends the socket, which would keep a process alive.
 */
export function createGatewayEnvironment(url: string, options: ConnectionOptions = {}) {
  const connection = createConnection(url, options);
  const network = Network.create(
    async ({ text: query }, variables): Promise<GraphQLResponse> => {
      const headers = { 'content-type': 'application/json' };
      const body = JSON.stringify({ query, variables });
      return (await connection.fetch(url, { method: 'POST', headers, body })).json();
    },
    ({ text: query, name: operationName }, variables) =>
      Observable.create<GraphQLResponse>((sink) =>
        connection.socket.subscribe(
          { query: query ?? '', operationName, variables },
          {
            next: (result) => sink.next(result as GraphQLResponse),
            // What is no Error is a list of GraphQL's errors, or the event that closed the socket for good.
            error: (error) => sink.error(error instanceof Error ? error : new Error(JSON.stringify(error))),
            complete: () => sink.complete(),
          },
        ),
      ),
  );
  const environment = new Environment({ network, store: new Store(new RecordSource()), missingFieldHandlers });
  return { environment, connection, close: connection.close };
}
