import type { TypePolicies } from '@apollo/client';
import { relayStylePagination } from '@apollo/client/utilities';

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
