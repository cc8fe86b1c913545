import { WATCH_SECONDS } from '../../callers/watch-token.ts';
import type { Builder } from '../builder.ts';
import { needsCaller } from '../scopes.ts';

export function addWatchToken(builder: Builder): void {
  builder.objectType('WatchToken', {
    description: 'What lets a browser watch, read and fetch some jobs, and do nothing else.',
    fields: (t) => ({
      token: t.exposeString('token', { nullable: false, description: 'A secret of whoever may see these jobs.' }),
      expiresAt: t.expose('expiresAt', {
        type: 'DateTime',
        nullable: false,
        description: 'When it ends, which is also when the key or token ends that it was made by.',
      }),
    }),
  });

  builder.mutationField('createWatchToken', (t) =>
    t.field({
      type: 'WatchToken',
      nullable: true,
      authScopes: needsCaller('job:read', 'job:write'),
      description:
        "A token for a browser: it may only watch, read and fetch these jobs. Of the caller's own. Exactly one of " +
        '`jobs` and `tag` is given. Null where nobody is told apart: there a browser needs none.',
      args: {
        jobs: t.arg.idList({ description: 'Ids of 1 to 100 jobs.' }),
        tag: t.arg.string({ description: 'All jobs that have it among their tags, now and later.' }),
        seconds: t.arg.int({
          defaultValue: WATCH_SECONDS.default,
          description: 'For how long, 60 to 86400; never for longer than the key or token that makes it.',
        }),
      },
      resolve: (_root, { jobs, tag, seconds }, { services, identity, requestId, address }) =>
        services.watchJobs.createToken(identity, {
          jobs: jobs ?? null,
          tag: tag ?? null,
          seconds: seconds ?? WATCH_SECONDS.default,
          origin: { requestId, address },
        }),
    }),
  );
}
