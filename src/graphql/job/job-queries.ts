import { badInput, type InputIssue } from '../../core/errors.ts';
import { checkWait } from '../../jobs/generate-arguments.ts';
import type { Builder } from '../builder.ts';
import { needs } from '../scopes.ts';
import { type JobFilterInput, readFilter } from './job-filter.ts';

const MAX_PAGE = 100;

export function addJobQueries(builder: Builder, filterInput: JobFilterInput): void {
  builder.queryFields((t) => ({
    job: t.field({
      type: 'Job',
      nullable: true,
      authScopes: needs('job:read'),
      description: 'One job, or null when there is none that the caller may see.',
      args: {
        id: t.arg.id({ required: true, description: "The job's id." }),
        waitSeconds: t.arg.int({ description: 'Hold the answer until the job has ended, at most 60.' }),
      },
      resolve: (_root, { id, waitSeconds = null }, { services, identity, client, signal }) => {
        const issues = checkWait({ waitSeconds });
        if (issues.length) throw badInput(issues);
        return services.jobs.get(identity, id, { waitSeconds, signal, client });
      },
    }),
    jobs: t.field({
      type: 'JobConnection',
      nullable: true,
      authScopes: needs('job:read'),
      description: "The caller's jobs, newest first; of a watch token those that it is for.",
      args: {
        first: t.arg.int({ defaultValue: 20, description: 'How many at most, 1 to 100.' }),
        after: t.arg.string({ description: 'The cursor of an earlier page, behind which this one begins.' }),
        filter: t.arg({ type: filterInput, description: 'Which jobs; all, when absent.' }),
      },
      resolve: async (_root, { first, after, filter }, { services, identity, client }) => {
        const count = first ?? 20;
        const issues: InputIssue[] = [];
        if (count < 1 || count > MAX_PAGE) {
          issues.push({ path: ['first'], message: `expected 1 to ${MAX_PAGE}`, code: 'out_of_range' });
        }
        if (issues.length) throw badInput(issues);
        const page = await services.jobs.list({
          identity,
          client,
          first: count,
          after: after ?? null,
          filter: readFilter(filter),
        });
        return { ...page, hasPreviousPage: after != null };
      },
    }),
  }));
}
