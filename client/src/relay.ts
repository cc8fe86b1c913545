import { type GraphQLResponse, type INetwork, Network, Observable } from 'relay-runtime';
import type { Comfy } from './comfy.ts';

/**
 * The network of a Relay environment: subscriptions over the client's socket, everything else over HTTP. Both come back
 * by themselves after an outage of any length.
 */
export function comfyNetwork({ url, connection }: Pick<Comfy, 'url' | 'connection'>): INetwork {
  const { fetch, socket } = connection;
  return Network.create(
    async ({ text: query, name: operationName }, variables): Promise<GraphQLResponse> => {
      const headers = { 'content-type': 'application/json' };
      const body = JSON.stringify({ query, operationName, variables });
      return (await fetch(url, { method: 'POST', headers, body })).json();
    },
    ({ text: query, name: operationName }, variables) =>
      Observable.create<GraphQLResponse>((sink) =>
        socket.subscribe(
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
}

/**
 * What a Relay environment needs to know of the gateway: `new Environment({ network, store, missingFieldHandlers })`.
 *
 * Every `id` of the schema (of a Job, of an Artifact) is unique among all types, so Relay's own way of keeping records
 * by `id` fits. There is no interface `Node` and no `node(id:)`: `@refetchable` works on fragments on Query, and a job
 * is asked for again by `job(id:)`. `jobs` is a connection as Relay wants it: `@connection(key: "…", filters:
 * ["filter"])`.
 */
export const missingFieldHandlers = [
  {
    kind: 'linked' as const,
    /** A job that any other answer has brought is there at once for `job(id:)`. */
    handle(
      field: { name: string },
      record: { getType(): string } | null | undefined,
      args: { [name: string]: unknown },
    ): string | undefined {
      const isJob = record?.getType() === '__Root' && field.name === 'job';
      return isJob && typeof args.id === 'string' ? args.id : undefined;
    },
  },
];
