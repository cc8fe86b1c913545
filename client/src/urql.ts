import {
  composeExchanges,
  type Exchange,
  fetchExchange,
  makeOperation,
  mapExchange,
  subscriptionExchange,
} from '@urql/core';
import type { Cache, CacheExchangeOpts, KeyingConfig } from '@urql/exchange-graphcache';
import type { Comfy } from './comfy.ts';
import { possibleTypes } from './possible-types.ts';

/**
 * The last exchange of an urql client: subscriptions over the client's socket, everything else over HTTP. Both come
 * back by themselves after an outage of any length. The client's own `url` is not used.
 */
export function comfyExchange({ url, connection }: Pick<Comfy, 'url' | 'connection'>): Exchange {
  const { fetch, socket } = connection;
  return composeExchanges([
    mapExchange({
      onOperation(operation) {
        const { context, kind } = operation;
        // urql's default, by which a query goes by GET and its variables into the logs of proxies.
        const { preferGetMethod: asked = false } = context;
        const preferGetMethod = asked === 'within-url-limit' ? false : asked;
        return makeOperation(kind, operation, { ...context, url, fetch, preferGetMethod });
      },
    }),
    fetchExchange,
    subscriptionExchange({
      forwardSubscription: ({ query = '', variables, extensions }) => ({
        subscribe: (sink) => ({
          unsubscribe: socket.subscribe(
            { query, variables: { ...variables }, ...(extensions && { extensions }) },
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
  ]);
}

type Lists = Pick<Cache, 'inspectFields' | 'invalidate'>;

/** Makes whoever shows one of these lists ask for it again. */
const forgetting = (field: string) => (_result: object, _args: object, cache: Lists) => {
  for (const { fieldName, arguments: args } of cache.inspectFields('Query')) {
    if (fieldName === field) cache.invalidate('Query', fieldName, args);
  }
};
const forgetJobs = forgetting('jobs');

const keys: KeyingConfig = {
  Workflow: nameOf,
  Backend: nameOf,
  // Without an identity of their own: kept within what they are part of.
  AddWorkflowPayload: none,
  Limit: none,
  Choice: none,
  GeneratePayload: none,
  Health: none,
  HealthCheck: none,
  InstallationLimits: none,
  JobConnection: none,
  JobEdge: none,
  JobError: none,
  JobEvent: none,
  NodeTiming: none,
  PageInfo: none,
  Preview: none,
  Progress: none,
  ProgressNode: none,
  QueueHealth: none,
  WatchToken: none,
  WorkflowBackend: none,
  WorkflowParameter: none,
};

/**
 * How the gateway's types go into Graphcache, urql's normalised cache: `cacheExchange(cacheConfig)`. An event carries
 * its job, so every place that shows the job follows without further code; lists of jobs are asked for again when there
 * is a job more, or one less, and the catalogue when it has another workflow.
 */
export const cacheConfig = {
  keys,
  possibleTypes,
  updates: {
    Mutation: {
      generate: forgetJobs,
      retryJob: forgetJobs,
      deleteJob: forgetJobs,
      addWorkflow: forgetting('workflows'),
    },
    Subscription: {
      jobsProgress(result: object, args: object, cache: Lists) {
        const event: { type?: unknown } | undefined = Object(result).jobsProgress;
        if (event?.type === 'QUEUED') forgetJobs(result, args, cache);
      },
    },
  },
} satisfies Partial<CacheExchangeOpts>;

function nameOf(data: object): string | null {
  const { name }: { name?: unknown } = Object(data);
  return typeof name === 'string' ? name : null;
}

function none(): null {
  return null;
}
