import type { Builder } from '../builder.ts';

/** A Relay connection. Written out, since the contract leaves out paging backwards, which the Relay plugin cannot. */
export function addJobConnection(builder: Builder): void {
  builder.objectType('JobConnection', {
    description:
      'A page of jobs. It may be shorter than `first` where a filter leaves much out or jobs are large; ' +
      '`hasNextPage` tells.',
    fields: (t) => ({
      edges: t.expose('edges', { type: ['JobEdge'], nullable: false, description: 'The jobs with their cursors.' }),
      nodes: t.field({
        type: ['Job'],
        nullable: false,
        description: 'The jobs alone.',
        resolve: (page) => page.edges.map(({ job }) => job),
      }),
      pageInfo: t.field({
        type: 'PageInfo',
        nullable: false,
        description: 'How to go on.',
        resolve: ({ edges, hasNextPage, hasPreviousPage, endCursor }) => ({
          hasNextPage,
          hasPreviousPage,
          startCursor: edges[0]?.cursor ?? null,
          endCursor,
        }),
      }),
    }),
  });
  builder.objectType('JobEdge', {
    description: 'A job in a page.',
    fields: (t) => ({
      cursor: t.exposeString('cursor', { nullable: false, description: '`after` this, the next page begins.' }),
      node: t.expose('job', { type: 'Job', nullable: false, description: 'The job.' }),
    }),
  });
  builder.objectType('PageInfo', {
    description: 'How to page on.',
    fields: (t) => ({
      hasNextPage: t.exposeBoolean('hasNextPage', { nullable: false, description: 'Whether older jobs may follow.' }),
      hasPreviousPage: t.exposeBoolean('hasPreviousPage', {
        nullable: false,
        description: 'Whether newer jobs came before, which is so wherever `after` was given.',
      }),
      startCursor: t.exposeString('startCursor', { nullable: true, description: 'Cursor of the first job here.' }),
      endCursor: t.exposeString('endCursor', {
        nullable: true,
        description: '`after` this, the next page begins. Also there when a filter left this page empty.',
      }),
    }),
  });
}
