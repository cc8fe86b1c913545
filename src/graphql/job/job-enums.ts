import { jobEventTypes } from '../../core/events.ts';
import { jobErrorCodes, jobStatuses, priorities } from '../../core/job.ts';
import type { Builder } from '../builder.ts';

/** Enum values from their names in `core`; a name without a description does not compile. */
function describe<Name extends string>(names: readonly Name[], descriptions: Record<Name, string>) {
  return Object.fromEntries(names.map((name) => [name, { value: name, description: descriptions[name] }])) as {
    [K in Name]: { value: K; description: string };
  };
}

export type JobEnums = ReturnType<typeof addJobEnums>;

export function addJobEnums(builder: Builder) {
  return {
    status: builder.enumType('JobStatus', {
      description: 'Where a job is in its life. SUCCEEDED, FAILED and CANCELED are final.',
      values: describe(jobStatuses, {
        QUEUED: 'Accepted, and waiting for a worker.',
        RUNNING: 'A worker has it.',
        SUCCEEDED: 'Done; its artifacts are stored and verified.',
        FAILED: 'Ended without its results, or without all of them; `Job.error` says why.',
        CANCELED: 'Ended because the caller asked for it.',
      }),
    }),
    priority: builder.enumType('Priority', {
      description: 'Which jobs start first. Within one priority, in the order in which they were accepted.',
      values: describe(priorities, {
        LOW: 'After all others.',
        NORMAL: 'The usual.',
        HIGH: 'Before all others.',
      }),
    }),
    eventType: builder.enumType('JobEventType', {
      description: 'What happened to a job.',
      values: describe(jobEventTypes, {
        SNAPSHOT: 'Nothing happened: this is how the job stands, from where a watcher goes on.',
        QUEUED: 'It was accepted.',
        MOVED:
          'Its place in the queue is another: `Job.queuePosition`. At most one a second, only for who watches just ' +
          'then, never replayed.',
        STARTED: 'A worker took it. Happens again after a retry, or when another worker takes over.',
        PROGRESS: 'It got further. At most about 10 a second.',
        PREVIEW: 'A picture of the work under way; only where `previews` is true, never replayed.',
        OUTPUT: 'One artifact more is stored, or several: `Job.artifacts` has them. At most 4 a second.',
        RETRYING: 'An attempt failed; the job is in the queue again.',
        CANCEL_REQUESTED: 'The caller wants it canceled while it runs; CANCELED follows.',
        SUCCEEDED: 'Done. The last event.',
        FAILED: 'Ended without a result. The last event.',
        CANCELED: 'Ended because the caller asked for it. The last event.',
      }),
    }),
    errorCode: builder.enumType('JobErrorCode', {
      description: 'Why a job failed.',
      values: describe(jobErrorCodes, {
        WORKFLOW_REJECTED: 'ComfyUI refused the graph.',
        INPUT_INVALID: 'An input file could not be fetched, or is not what it should be.',
        EXECUTION_FAILED: 'A node raised an error.',
        INTERRUPTED: 'A node, or somebody at ComfyUI, stopped the run.',
        OUT_OF_MEMORY: 'ComfyUI ran out of memory.',
        NO_OUTPUT: 'It succeeded and left nothing.',
        OUTPUT_INVALID: 'A file was missing, truncated or not what it says.',
        COMFYUI_UNAVAILABLE: 'ComfyUI was lost in each of the attempts.',
        STORAGE_UNAVAILABLE: 'The results could not be stored.',
        STORAGE_FULL: 'There was no room for the results.',
        TIMEOUT: 'Its deadline passed, or an attempt ran for too long.',
        INTERNAL: 'A fault of the gateway; its log says more.',
      }),
    }),
  };
}
