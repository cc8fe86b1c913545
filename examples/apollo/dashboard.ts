import { gql, type TypedDocumentNode } from '@apollo/client';
import { print } from 'graphql';
import { JobStateFragmentDoc, JobsDocument, type WatchJobSubscription } from '../generated/graphql.ts';
import type { createGatewayClient } from './client.ts';

type JobEvent = WatchJobSubscription['jobProgress'];

const WATCH_JOBS: TypedDocumentNode<{ jobsProgress: JobEvent }> = gql`
  subscription WatchJobs {
    jobsProgress {
      seq
      type
      at
      job {
        ...JobState
      }
    }
  }
  ${print(JobStateFragmentDoc)}
`;

/**
 * Keeps a list of the newest jobs current with one subscription, whatever happens to the connection: every place that
 * shows `JobsDocument` with these variables, or one of its jobs, follows. Gives back how to stop.
 */
export function followJobs({ client, connection }: ReturnType<typeof createGatewayClient>, variables = { first: 50 }) {
  /** What events have told since the list was asked for, which may know less by the time that it comes. */
  const told = new Map<string, JobEvent['job']>();
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
        const { data } = await client.query({ query: JobsDocument, variables, fetchPolicy: 'no-cache', context });
        // Null with an error, which Apollo throws.
        const { jobs } = data ?? {};
        if (!jobs) continue;
        const edges = jobs.edges.map((edge) => {
          const known = told.get(edge.node.id);
          return known && known.seq > edge.node.seq ? { ...edge, node: known } : edge;
        });
        client.writeQuery({ query: JobsDocument, variables, data: { ...data, jobs: { ...jobs, edges } } });
      } while (again);
    } catch (error) {
      console.warn('the list was not read; it is again with the next connection', error);
    } finally {
      reading = false;
    }
  }

  // The cache has each event already, and every job that is shown with it.
  const subscription = client.subscribe({ query: WATCH_JOBS }).subscribe(({ data, error }) => {
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
    subscription.unsubscribe();
  };
}
