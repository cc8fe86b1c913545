import { badInput } from '../../core/errors.ts';
import type { Builder } from '../builder.ts';
import { needs } from '../scopes.ts';
import type { JobEnums } from './job-enums.ts';
import { type JobFilterInput, readFilter } from './job-filter.ts';

export function addJobSubscriptions(builder: Builder, enums: JobEnums, filterInput: JobFilterInput): void {
  builder.objectType('Preview', {
    description: 'A picture of the work under way, small and rough.',
    fields: (t) => ({
      contentType: t.exposeString('contentType', {
        nullable: false,
        description: '`image/jpeg`, `image/png` or `image/webp`.',
      }),
      data: t.exposeString('data', { nullable: false, description: 'Base64.' }),
    }),
  });
  builder.objectType('JobEvent', {
    description: "One step in a job's life.",
    fields: (t) => ({
      seq: t.exposeInt('seq', {
        nullable: false,
        description:
          "The job's sequence number as of this event. PREVIEW and MOVED events carry the last one and are never " +
          'replayed.',
      }),
      type: t.expose('type', { type: enums.eventType, nullable: false, description: 'What happened.' }),
      at: t.expose('at', { type: 'DateTime', nullable: false, description: 'When it happened.' }),
      job: t.field({
        type: 'Job',
        nullable: false,
        description:
          'The job, at least as new as this event, so that a normalised client cache updates itself and never ' +
          'steps back.',
        resolve: ({ job, queuePosition }) => (queuePosition === undefined ? job : { ...job, queuePosition }),
      }),
      preview: t.field({
        type: 'Preview',
        nullable: true,
        description: 'Only on PREVIEW, which come only where `previews` is true.',
        resolve: ({ preview }) => preview ?? null,
      }),
    }),
  });

  builder.subscriptionFields((t) => ({
    jobProgress: t.field({
      type: 'JobEvent',
      nullable: false,
      authScopes: needs('job:read'),
      description: [
        "A job's events in order, ending with exactly one terminal event for each subscription; then it completes.",
        'Without `afterSeq` it begins with a SNAPSHOT (for a job that has ended: SNAPSHOT, then its terminal event).',
        'With it, every event after that number that the log still has, or a SNAPSHOT where it no longer reaches ' +
          'back or',
        "the number is higher than the job's; the job's last number: it just completes if the job has ended.",
        'Numbers may skip PROGRESS for a slow client, never anything else. Clients that resend the same ' +
          'variables when they',
        'reconnect leave `afterSeq` out.',
      ].join('\n'),
      args: {
        id: t.arg.id({ required: true, description: "The job's id." }),
        afterSeq: t.arg.int({ description: 'Number of the last event that the caller has seen, 0 or more.' }),
        previews: t.arg.boolean({
          defaultValue: false,
          description: 'Whether to send pictures of the work under way, too: PREVIEW events, at most 5 a second.',
        }),
      },
      subscribe: (_root, { id, afterSeq, previews }, { services, identity, lastSeq }) => {
        if (afterSeq != null && afterSeq < 0) {
          throw badInput([{ path: ['afterSeq'], message: 'expected 0 or more', code: 'out_of_range' }]);
        }
        return services.feed.watch({
          jobId: id,
          identity,
          // Whoever connects again sends the same arguments as at first.
          afterSeq: lastSeq ?? afterSeq ?? null,
          previews: previews ?? false,
          moves: true,
        });
      },
      resolve: (event) => event,
    }),
    jobsProgress: t.field({
      type: 'JobEvent',
      nullable: false,
      authScopes: needs('job:read'),
      description: [
        "Lifecycle events of all the caller's jobs from now on; no PROGRESS or MOVED, no replay; open-ended.",
        'Each comes once, those of a job in order. It ends with UNAVAILABLE where events were missed: read ' +
          '`jobs` again then,',
        'and subscribe anew.',
      ].join('\n'),
      args: {
        filter: t.arg({
          type: filterInput,
          description: 'Which jobs; all, when absent. `status` is that which the job has by the event.',
        }),
      },
      subscribe: (_root, { filter }, { services, identity }) =>
        services.changes.watch({ identity, filter: readFilter(filter) }),
      resolve: (event) => event,
    }),
  }));
}
