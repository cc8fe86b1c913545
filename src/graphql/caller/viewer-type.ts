import type { Builder } from '../builder.ts';
import type { FieldWeight } from '../engine/document-cost.ts';
import { needsCaller } from '../scopes.ts';

export function addViewer(builder: Builder): void {
  builder.objectType('Limit', {
    description: 'A limit of the plan of a caller, and what is left of it.',
    fields: (t) => ({
      name: t.exposeString('name', {
        nullable: false,
        description:
          '`requestsPerMinute`, `gpuSecondsPerMinute`, `gpuSecondsPerDay`, `jobsPerDay`, or `queued`: jobs that wait.',
      }),
      limit: t.field({
        type: 'SafeInt',
        nullable: false,
        description: 'All of it, in whole numbers.',
        resolve: ({ limit }) => Math.floor(limit),
      }),
      remaining: t.field({
        type: 'SafeInt',
        nullable: false,
        description:
          'What is left, in whole numbers. GPU seconds of jobs that have not ended count as they were estimated.',
        resolve: ({ remaining }) => Math.floor(remaining),
      }),
      resetsAt: t.field({
        type: 'DateTime',
        nullable: true,
        description: 'When all of it is left again, if nothing more is used; null of `queued`, which no time tells.',
        resolve: ({ resetsInMs }, _args, { services }) => (resetsInMs === null ? null : services.now() + resetsInMs),
      }),
    }),
  });

  builder.objectType('Viewer', {
    description: 'Who calls, and what it may do.',
    fields: (t) => ({
      id: t.exposeID('caller', { nullable: false, description: 'Whose jobs and uploads those of this caller are.' }),
      name: t.exposeString('name', { nullable: false, description: 'For a person.' }),
      plan: t.exposeString('plan', {
        nullable: true,
        description: 'By which it is limited; null where it is by none.',
      }),
      scopes: t.stringList({
        nullable: false,
        description:
          'What it may do, in alphabetical order: `job:read`, `job:write`, `workflow:textToImage` and so on.',
        resolve: ({ scopes }) => [...scopes].sort(),
      }),
      limits: t.field({
        type: ['Limit'],
        extensions: { items: 5 } satisfies FieldWeight,
        nullable: false,
        description: 'Of its plan, as they are now: those that are bounded. Reading them uses up nothing.',
        resolve: (identity, _args, { services }) => services.jobs.limits(identity),
      }),
    }),
  });

  builder.queryField('viewer', (t) =>
    t.field({
      type: 'Viewer',
      nullable: true,
      authScopes: needsCaller(),
      description: 'Who calls. Not for watch tokens, whose holders have no business with the caller that made them.',
      resolve: (_root, _args, { identity }) => identity,
    }),
  );
}
