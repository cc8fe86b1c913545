import type { InputRef } from '@pothos/core';
import { checkGenerateArguments } from '../../jobs/generate-arguments.ts';
import type { Builder } from '../builder.ts';
import type { InputCheck } from '../engine/input-issues.ts';
import { needs, needsWorkflow } from '../scopes.ts';
import type { WorkflowChoice } from '../workflow/workflow-input.ts';
import type { JobEnums } from './job-enums.ts';

export function addJobMutations(builder: Builder, enums: JobEnums, workflowInput: InputRef<WorkflowChoice>): void {
  const generateInput = builder.inputType('GenerateInput', {
    description: 'What to run, and how.',
    extensions: { check: checkGenerateArguments satisfies InputCheck },
    fields: (t) => ({
      idempotencyKey: t.string({
        required: true,
        description:
          '1 to 255 printable characters, unique per caller and kept 24 hours: the same key and input give the ' +
          'same job.',
      }),
      workflow: t.field({ type: workflowInput, required: true, description: 'The workflow with its parameters.' }),
      priority: t.field({ type: enums.priority, defaultValue: 'NORMAL', description: 'Which jobs start first.' }),
      deadlineSeconds: t.int({
        description:
          'From acceptance, waiting included: a job that has not ended by then is FAILED with TIMEOUT. ' +
          'Default and maximum from configuration.',
      }),
      waitSeconds: t.int({
        description: 'Hold the answer until the job has ended, at most 60: one call for scripts that cannot watch.',
      }),
      comfyOrgApiKey: t.string({
        description:
          'A secret: your key of comfy.org for partner nodes, instead of that of the installation, 1 to 255 ' +
          'printable ASCII characters. Kept encrypted until the job has ended, and never shown; `retryJob` runs ' +
          'without it.',
      }),
      tags: t.stringList({ description: "The caller's own labels, at most 16, each 1 to 64 characters." }),
    }),
  });

  builder.objectType('GeneratePayload', {
    description: 'What `generate` gives back.',
    fields: (t) => ({
      job: t.expose('job', { type: 'Job', nullable: false, description: 'The job.' }),
      watchToken: t.string({
        nullable: true,
        description:
          'For a browser: may only watch, read and fetch this job, for 15 minutes. Null where nobody is told apart, ' +
          'and for a caller without the scope `job:read`.',
        resolve: ({ job }, _args, { services, identity }) => services.watchJobs.tokenFor(identity, job.id),
      }),
      replayed: t.exposeBoolean('replayed', {
        nullable: false,
        description: 'True when the key had already made this job.',
      }),
    }),
  });

  builder.mutationFields((t) => ({
    generate: t.field({
      type: 'GeneratePayload',
      nullable: true,
      description: 'Accept a job, or give back the one that this key already made.',
      authScopes: (root, args, context) =>
        needs('job:write')(root, args, context) &&
        needsWorkflow(context.identity, Object.keys(args.input.workflow)[0] ?? ''),
      args: { input: t.arg({ type: generateInput, required: true, description: 'What to run, and how.' }) },
      resolve: (_root, { input }, { services, identity, client, requestId, address, signal, onLimits }) => {
        // @oneOf: the executor has made sure that there is exactly one, and that it is not null.
        const [name, parameters] = Object.entries(input.workflow)[0] ?? [];
        if (!name || !parameters) throw new Error('an input object with @oneOf came without a field');
        return services.jobs.generate({
          identity,
          requestId,
          address,
          path: ['input'],
          idempotencyKey: input.idempotencyKey,
          workflow: { name, input: parameters },
          priority: input.priority ?? 'NORMAL',
          deadlineSeconds: input.deadlineSeconds ?? null,
          tags: input.tags ?? [],
          comfyOrgApiKey: input.comfyOrgApiKey ?? null,
          waitSeconds: input.waitSeconds ?? null,
          signal,
          client,
          onLimits,
        });
      },
    }),
    retryJob: t.field({
      type: 'GeneratePayload',
      nullable: true,
      authScopes: needs('job:write'),
      description:
        'Run a job again with the same parameters. It must have ended; the new one has its workflow as it was ' +
        'then, its seed, priority and tags, and the default deadline.',
      args: {
        id: t.arg.id({ required: true, description: 'The job to run again.' }),
        idempotencyKey: t.arg.string({ required: true, description: 'As in `GenerateInput`.' }),
      },
      resolve: (_root, { id, idempotencyKey }, { services, identity, requestId, address, client, onLimits }) =>
        services.jobs.retry({ identity, requestId, address, client, id, idempotencyKey, onLimits }),
    }),
    cancelJob: t.field({
      type: 'Job',
      nullable: true,
      authScopes: needs('job:write'),
      description:
        'Cancel: at once while QUEUED, by interrupting just this prompt while RUNNING; a job that has ended is ' +
        'returned as it is. Once requested, a job does not become SUCCEEDED.',
      args: { id: t.arg.id({ required: true, description: "The job's id." }) },
      resolve: (_root, { id }, { services, identity, requestId, address, client }) =>
        services.jobs.cancel(identity, id, requestId, address, client),
    }),
    deleteJob: t.id({
      nullable: true,
      authScopes: needs('job:write'),
      description:
        'Remove an ended job, its events and its artifacts. Its key stays used: a replay is NOT_FOUND. Gives ' +
        'back the id.',
      args: { id: t.arg.id({ required: true, description: "The job's id." }) },
      resolve: async (_root, { id }, { services, identity, requestId, address, client }) => {
        await services.jobs.remove(identity, id, requestId, address, client);
        return id;
      },
    }),
  }));
}
