import type { Builder } from '../builder.ts';

export function addViewer(builder: Builder): void {
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
    }),
  });

  builder.queryField('viewer', (t) =>
    t.field({
      type: 'Viewer',
      nullable: true,
      authScopes: { caller: true },
      description: 'Who calls. Not for watch tokens, whose holders have no business with the caller that made them.',
      resolve: (_root, _args, { identity }) => identity,
    }),
  );
}
