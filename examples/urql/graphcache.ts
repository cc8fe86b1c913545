import type { Cache, KeyingConfig, UpdatesConfig } from '@urql/exchange-graphcache';

/*
 * How the gateway's types go into Graphcache, urql's normalised cache. An event carries its job, so every place that
 * shows the job follows without further code.
 */

export const keys: KeyingConfig = {
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

export const possibleTypes = {
  Artifact: ['AudioArtifact', 'FileArtifact', 'ImageArtifact', 'TextArtifact', 'VideoArtifact'],
};

/** Lists of jobs are asked for again when there is a job more, or one less. */
export const updates = {
  Mutation: {
    generate: forgetLists,
    retryJob: forgetLists,
    deleteJob: forgetLists,
  },
  Subscription: {
    jobsProgress(result: object, args: object, cache: Lists) {
      const event: { type?: unknown } | undefined = Object(result).jobsProgress;
      if (event?.type === 'QUEUED') forgetLists(result, args, cache);
    },
  },
} satisfies UpdatesConfig;

type Lists = Pick<Cache, 'inspectFields' | 'invalidate'>;

function forgetLists(_result: object, _args: object, cache: Lists): void {
  for (const { fieldName, arguments: args } of cache.inspectFields('Query')) {
    if (fieldName === 'jobs') cache.invalidate('Query', fieldName, args);
  }
}

function nameOf(data: object): string | null {
  const { name }: { name?: unknown } = Object(data);
  return typeof name === 'string' ? name : null;
}

function none(): null {
  return null;
}
