import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { OperationTypeNode } from 'graphql';
import { type ConnectionOptions, createConnection } from '../connection.ts';
import { possibleTypes } from '../generated/possible-types.ts';
import { typePolicies } from './type-policies.ts';

/**
 * An Apollo Client for a gateway: subscriptions over WebSocket, everything else over HTTP, but for queries with
 * `context: { overSocket: true }`. The socket is opened with the first subscription and opened again when it is lost,
 * upon which a subscription to a job goes on with a SNAPSHOT. `url` is that of /graphql. `close` ends the socket, which
 * would keep a process alive.
 */
export function createGatewayClient(url: string, options: ConnectionOptions = {}) {
  const connection = createConnection(url, options);
  const client = new ApolloClient({
    link: ApolloLink.split(
      (operation) =>
        operation.operationType === OperationTypeNode.SUBSCRIPTION || operation.getContext().overSocket === true,
      new GraphQLWsLink(connection.socket),
      new HttpLink({ uri: url, fetch: connection.fetch }),
    ),
    cache: new InMemoryCache({ typePolicies, possibleTypes }),
  });
  const close = async () => {
    client.stop();
    await connection.close();
  };
  return { client, connection, close };
}
