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
export function followJobs({ client, socket }: ReturnType<typeof createGatewayClient>, variables = { first: 50 }) {
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

  // Behind the subscription and over the same socket: then nothing falls in between the list and the events.
  const readBehindSubscription = () => void setTimeout(readList);

  function subscribe() {
    return client.subscribe({ query: WATCH_JOBS }).subscribe(({ data, error }) => {
      if (data) {
        // The cache has it already, and every job that is shown with it.
        const { type, job } = data.jobsProgress;
        told.set(job.id, job);
        if (type === 'QUEUED') void readList();
      }
      // Events were missed: the gateway ends the subscription rather than leave a hole.
      if (error) {
        subscription = subscribe();
        readBehindSubscription();
      }
    });
  }
  // With each connection: there is no replay, so what happened without one is in the list.
  const forget = socket.on('connected', readBehindSubscription);
  let subscription = subscribe();
  return () => {
    forget();
    subscription.unsubscribe();
  };
}
