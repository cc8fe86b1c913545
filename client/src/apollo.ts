import {
  type ApolloClient,
  ApolloLink,
  HttpLink,
  type OperationVariables,
  type TypedDocumentNode,
  type TypePolicies,
} from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { relayStylePagination } from '@apollo/client/utilities';
import { OperationTypeNode } from 'graphql';
import type { Comfy } from './comfy.ts';

export { possibleTypes } from './possible-types.ts';

/**
 * The link of an Apollo Client: subscriptions over the client's socket, everything else over HTTP, but for queries with
 * `context: { overSocket: true }`. Both come back by themselves after an outage of any length.
 */
export function comfyLink({ url, connection }: Pick<Comfy, 'url' | 'connection'>): ApolloLink {
  return ApolloLink.split(
    ({ operationType, getContext }) =>
      operationType === OperationTypeNode.SUBSCRIPTION || getContext().overSocket === true,
    new GraphQLWsLink(connection.socket),
    new HttpLink({ uri: url, fetch: connection.fetch }),
  );
}

/**
 * How the gateway's types go into Apollo's normalised cache: `new InMemoryCache({ typePolicies, possibleTypes })`. An
 * event of `jobProgress` carries its job, so every place that shows the job follows without further code.
 */
export const typePolicies: TypePolicies = {
  Query: {
    fields: {
      /** Pages put together, one list for each filter. */
      jobs: relayStylePagination(['filter']),
      /** A job that any other answer has brought is there at once. */
      job: {
        read: (known, { args, toReference }) =>
          known === undefined ? toReference({ __typename: 'Job', id: args?.id }) : known,
      },
    },
  },
  Job: {
    fields: {
      // Progress has no identity of its own: what a smaller selection leaves out is kept.
      progress: { merge: true },
      error: { merge: true },
      artifacts: { merge: false },
      tags: { merge: false },
    },
  },
  Progress: { keyFields: false, fields: { node: { merge: false } } },
  ProgressNode: { keyFields: false },
  Workflow: { keyFields: ['name'] },
  WorkflowParameter: { keyFields: false },
  Choice: { keyFields: false },
  Health: { keyFields: [], fields: { checks: { merge: false } } },
  HealthCheck: { keyFields: false },
  QueueHealth: { keyFields: false },
};

interface Numbered {
  id: string;
  seq: number;
}

export interface FollowJobsOptions {
  /** A query for `jobs`, with `edges { node { id seq … } }`. */
  query: TypedDocumentNode<{ jobs?: { edges: { node: Numbered }[] } | null }, OperationVariables>;
  /** Those of the query; `{ first: 50 }`, for example. */
  variables?: OperationVariables;
  /** A subscription to `jobsProgress`, with `type` and, of each `job`, the fields that the query has. */
  subscription: TypedDocumentNode<{ jobsProgress: { type: string; job: Numbered } }, OperationVariables>;
}

/**
 * Keeps a list of jobs current with one subscription, whatever happens to the connection: every place that shows
 * `query` with these variables, or one of its jobs, follows. Gives back how to stop. The client's link is `comfyLink`.
 */
export function followJobs(
  client: ApolloClient,
  { connection }: Pick<Comfy, 'connection'>,
  { query, variables = {}, subscription }: FollowJobsOptions,
): () => void {
  /** What events have told since the list was asked for, which may know less by the time that it comes. */
  const told = new Map<string, Numbered>();
  let reading = false;
  let again = false;

  async function readList() {
    again = reading;
    if (reading) return;
    reading = true;
    try {
      do {
        again = false;
        told.clear();
        const context = { overSocket: true };
        const { data } = await client.query({ query, variables, fetchPolicy: 'no-cache', context });
        // Null with an error, which Apollo throws.
        const { jobs } = data ?? {};
        if (!jobs) continue;
        const edges = jobs.edges.map((edge) => {
          const known = told.get(edge.node.id);
          return known && known.seq > edge.node.seq ? { ...edge, node: known } : edge;
        });
        client.writeQuery({ query, variables, data: { ...data, jobs: { ...jobs, edges } } });
      } while (again);
    } catch (error) {
      console.warn('the list was not read; it is again with the next connection', error);
    } finally {
      reading = false;
    }
  }

  // The cache has each event already, and every job that is shown with it.
  const following = client.subscribe({ query: subscription }).subscribe(({ data, error }) => {
    if (error) console.error('the list follows no longer', error);
    if (!data) return;
    const { type, job } = data.jobsProgress;
    told.set(job.id, job);
    if (type === 'QUEUED') void readList();
  });
  // There is no replay: what happened without a subscription is in the list, read over the same socket behind it.
  const forget = connection.onResume(() => void readList());
  void readList();
  return () => {
    forget();
    following.unsubscribe();
  };
}
