import type { Builder } from '../builder.ts';
import type { FieldWeight } from '../engine/document-cost.ts';
import type { JobEnums } from './job-enums.ts';

function addProgress(builder: Builder): void {
  builder.objectType('Progress', {
    description: 'How far a job is.',
    fields: (t) => ({
      fraction: t.exposeFloat('fraction', {
        nullable: false,
        description: '0 to 1. Never decreases within an attempt; 1 only when SUCCEEDED.',
      }),
      nodesDone: t.exposeInt('nodesDone', { nullable: false, description: 'Nodes of the graph that are done.' }),
      nodesTotal: t.exposeInt('nodesTotal', { nullable: false, description: 'Nodes of the graph.' }),
      node: t.expose('node', { type: 'ProgressNode', nullable: true, description: 'The node now running.' }),
    }),
  });
  builder.objectType('ProgressNode', {
    description: 'The node of the graph that is running.',
    fields: (t) => ({
      nodeId: t.exposeString('id', { nullable: false, description: 'Its id in the graph.' }),
      classType: t.exposeString('classType', { nullable: false, description: "ComfyUI's name for its kind." }),
      title: t.exposeString('title', { nullable: true, description: 'Its title in the graph, where it has one.' }),
      step: t.exposeInt('step', { nullable: true, description: 'Steps done, where the node counts them.' }),
      totalSteps: t.exposeInt('totalSteps', {
        nullable: true,
        description: 'Steps in all, where the node counts them.',
      }),
    }),
  });
}

function addNodeTiming(builder: Builder): void {
  builder.objectType('NodeTiming', {
    description: 'How long a node of the graph took.',
    fields: (t) => ({
      nodeId: t.exposeString('nodeId', { nullable: false, description: 'Its id in the graph.' }),
      classType: t.exposeString('classType', { nullable: false, description: "ComfyUI's name for its kind." }),
      ms: t.exposeFloat('ms', { nullable: false, description: 'Milliseconds, as the worker saw them.' }),
      cached: t.exposeBoolean('cached', { nullable: false, description: 'Whether ComfyUI had its result already.' }),
    }),
  });
}

function addJobError(builder: Builder, enums: JobEnums): void {
  builder.objectType('JobError', {
    description: 'Why a job failed.',
    fields: (t) => ({
      code: t.expose('code', { type: enums.errorCode, nullable: false, description: 'For a program.' }),
      message: t.exposeString('message', {
        nullable: false,
        description: 'For a person; no address, path or secret of the installation.',
      }),
      nodeId: t.exposeString('nodeId', { nullable: true, description: 'The node at fault, where one is.' }),
      classType: t.exposeString('classType', { nullable: true, description: "ComfyUI's name for that node's kind." }),
      retryable: t.exposeBoolean('retryable', {
        nullable: false,
        description: 'Whether the same job may succeed later.',
      }),
    }),
  });
}

/** Job and what hangs on it, artifacts apart. */
export function addJob(builder: Builder, enums: JobEnums): void {
  addProgress(builder);
  addNodeTiming(builder);
  addJobError(builder, enums);
  builder.objectType('Job', {
    description: 'One run of a workflow, from acceptance to its results.',
    fields: (t) => ({
      id: t.exposeID('id', { nullable: false, description: 'A UUID, version 7.' }),
      status: t.expose('status', { type: enums.status, nullable: false, description: 'Where it is in its life.' }),
      workflow: t.exposeString('workflow', { nullable: false, description: 'Name in the catalogue, or `custom`.' }),
      parameters: t.expose('parameters', {
        type: 'JSON',
        nullable: false,
        extensions: { cost: 10 } satisfies FieldWeight,
        description: 'As run: defaults filled in, the seed that was drawn, enum values under their GraphQL names.',
      }),
      progress: t.expose('progress', { type: 'Progress', nullable: false, description: 'How far it is.' }),
      artifacts: t.field({
        type: ['Artifact'],
        nullable: false,
        extensions: { items: 4 } satisfies FieldWeight,
        description:
          'Its results, each as soon as it is stored and verified; all of them, in the order of the graph, when ' +
          'SUCCEEDED. Another attempt begins without any. Of a job that FAILED or was CANCELED, those that were ' +
          'stored by then.',
        resolve: (job) => job.artifacts.map((artifact) => ({ artifact, expiresAt: job.expiresAt })),
      }),
      error: t.expose('error', { type: 'JobError', nullable: true, description: 'Only when FAILED.' }),
      attempts: t.exposeInt('attempts', { nullable: false, description: 'How often a worker has started it.' }),
      queuePosition: t.int({
        nullable: true,
        // A call of Redis.
        extensions: { cost: 20 } satisfies FieldWeight,
        description:
          'Jobs that will start before it, as things stand. 0 also while it is RUNNING and nothing of it has begun: ' +
          'it waits inside a ComfyUI. Null otherwise.',
        resolve: (job, _args, { services }) => {
          if (job.queuePosition !== undefined) return job.queuePosition;
          if (job.status === 'QUEUED') return services.jobs.queuePosition(job);
          return job.status === 'RUNNING' && job.waits ? 0 : null;
        },
      }),
      priority: t.expose('priority', { type: enums.priority, nullable: false, description: 'As it was asked for.' }),
      tags: t.exposeStringList('tags', { nullable: false, description: "The caller's own labels." }),
      backend: t.string({
        nullable: true,
        description: 'Name of the ComfyUI that ran or runs it; null before the first.',
        resolve: ({ submission }) => submission?.backend ?? null,
      }),
      retryOf: t.exposeID('retryOf', { nullable: true, description: 'The job that this one runs again.' }),
      timings: t.expose('timings', {
        type: ['NodeTiming'],
        nullable: false,
        extensions: { items: 20 } satisfies FieldWeight,
        description:
          'How long each node took in the attempt that ended it, in the order in which they ran; empty before.',
      }),
      seq: t.exposeInt('seq', {
        nullable: false,
        description: 'Number of the last event; starts at 1 and grows by 1.',
      }),
      cancelRequestedAt: t.expose('cancelRequestedAt', {
        type: 'DateTime',
        nullable: true,
        description: 'When a cancel was asked for; null when none was.',
      }),
      createdAt: t.expose('createdAt', { type: 'DateTime', nullable: false, description: 'When it was accepted.' }),
      startedAt: t.expose('startedAt', {
        type: 'DateTime',
        nullable: true,
        description: 'When a worker last started it; null before the first.',
      }),
      finishedAt: t.expose('finishedAt', {
        type: 'DateTime',
        nullable: true,
        description: 'When it ended; null until it has.',
      }),
      deadlineAt: t.expose('deadlineAt', {
        type: 'DateTime',
        nullable: false,
        description: 'When it is FAILED with TIMEOUT if it has not ended by then.',
      }),
      expiresAt: t.expose('expiresAt', {
        type: 'DateTime',
        nullable: true,
        description: 'When record and artifacts are removed; null until it has ended.',
      }),
    }),
  });
}
