import type { JobFilter } from '../../core/job.ts';
import type { Builder } from '../builder.ts';
import type { JobEnums } from './job-enums.ts';

export type JobFilterInput = ReturnType<typeof addJobFilter>;

/** `JobFilter`, of a page of jobs and of a subscription alike. */
export function addJobFilter(builder: Builder, enums: JobEnums) {
  return builder.inputType('JobFilter', {
    description: 'Which jobs: those that fit everything that is given.',
    fields: (t) => ({
      status: t.field({ type: [enums.status], description: 'In one of these states.' }),
      workflow: t.string({ description: 'Of this workflow: a name in the catalogue, or `custom`.' }),
      tag: t.string({ description: 'With this among its tags.' }),
      createdAfter: t.field({ type: 'DateTime', description: 'Accepted later than this.' }),
      createdBefore: t.field({ type: 'DateTime', description: 'Accepted earlier than this.' }),
    }),
  });
}

/** A filter as resolvers are given it, in full. */
export function readFilter(given: JobFilterInput['$inferInput'] | null | undefined): JobFilter {
  return {
    // Each once, however often it was sent: a subscription keeps them.
    status: given?.status ? [...new Set(given.status)] : null,
    workflow: given?.workflow ?? null,
    tag: given?.tag ?? null,
    createdAfter: given?.createdAfter ?? null,
    createdBefore: given?.createdBefore ?? null,
  };
}
