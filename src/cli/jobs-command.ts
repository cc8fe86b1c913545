import { Command, InvalidArgumentError, Option } from 'commander';
import * as z from 'zod';
import type { JobSession } from '../app/open-job-operator.ts';
import { GatewayError } from '../core/errors.ts';
import { type JobErrorCode, jobErrorCodes, retryableErrorCodes } from '../core/job.ts';
import type { FailedJob } from '../job-record/failed-jobs.ts';
import type { JobOperator, RetryResult } from '../jobs/job-operator.ts';
import { addAssignCommand } from './assign-command.ts';
import { describeJob, failedLine, failedTable, jobDocument, retryLine } from './show-job.ts';
import { sinceOption } from './since-option.ts';

export interface JobsCommandOptions {
  /** Connects to the installation. Its errors are shown to the person at the terminal. */
  open(): Promise<JobSession>;
  write(text: string): void;
  /** Prints what is not a result, such as totals, to another stream, so that stdout holds only JSON with `--json`. */
  note(text: string): void;
  /** Whether an error means that Redis stopped answering. */
  isUnreachable(error: unknown): boolean;
}

interface Selection {
  code?: JobErrorCode;
  since?: (now: number) => number;
  json?: boolean;
}
type ListOptions = Selection & { failed?: boolean; all?: boolean; limit: number };
type RetryOptions = Selection & { limit?: number; dryRun?: boolean };

const MAX_LIMIT = 1_000_000;

/**
 * `comfygate jobs`: lists, shows and runs again the failed jobs of all callers. Exits with 1 when something goes wrong.
 */
export function createJobsCommand(options: JobsCommandOptions): Command {
  const { write, note } = options;
  const jobs = new Command('jobs')
    .description('the jobs of all callers: list those that failed, look into one, run them again, hand them over')
    .addHelpText(
      'after',
      '\nIt talks to the Redis of REDIS_URL, or to that of an `npm start` on DATA_DIR; ' +
        'give it the environment of a gateway.',
    );

  jobs
    .command('list')
    .description('print the jobs that failed and that nobody has run again, the latest first')
    .option('--failed', 'those that are FAILED; no others have an index over all callers')
    .addOption(codeOption('only those with this error code'))
    .addOption(new Option('--all', `also those that failed for their caller's reasons`).conflicts('code'))
    .addOption(sinceOption('only those that ended since then'))
    .option('--limit <number>', 'print at most so many', parseLimit, 100)
    .option('--json', 'print them as JSON, one a line')
    .addHelpText(
      'after',
      `
Without --code or --all: those with the installation's reasons, ${retryableErrorCodes.join(', ')}.

Example:
  $ comfygate jobs list --failed --code STORAGE_UNAVAILABLE --since 2h`,
    )
    .action((given: ListOptions, command: Command) =>
      within(command, async (operator) => {
        const { failed, code, all, since, limit, json } = given;
        if (!failed) {
          command.error('error: expected --failed: only jobs that failed have an index over all callers', {
            exitCode: 1,
          });
        }
        const codes = code ? [code] : all ? jobErrorCodes : retryableErrorCodes;
        const query = {
          codes,
          since: since?.(await operator.now()) ?? null,
          until: null,
          order: 'newest first',
        } as const;
        const found: FailedJob[] = [];
        let count = 0;
        for await (const job of operator.failed(query, limit + 1)) {
          if (++count > limit) break;
          if (json) write(failedLine(job));
          else found.push(job);
        }
        if (!json) write(failedTable(found));
        if (count > limit) note(`There are more than these ${limit}: see --limit\n`);
      }),
    );

  jobs
    .command('show')
    .description('print all that is known of a job: its record, error, events, node times and the sizes of its results')
    .argument('<id>', 'its id', parseId)
    .option('--json', 'print it as one JSON document, with its parameters')
    .action((id: string, { json }: { json?: boolean }, command: Command) =>
      within(command, async (operator) => {
        const shown = await operator.show(id);
        if (!shown)
          return command.error(`error: there is no job ${id}: it was deleted, or has expired`, { exitCode: 1 });
        write(json ? `${JSON.stringify(jobDocument(shown), null, 2)}\n` : describeJob(shown));
      }),
    );

  jobs
    .command('retry')
    .description('run failed jobs again, each once: for their callers, with their parameters, as new jobs')
    .argument('[id...]', 'their ids', collectIds)
    .addOption(codeOption('all that failed with this error code; needs --since'))
    .addOption(sinceOption('all that ended since then; needs --code'))
    .option('--limit <number>', 'run at most so many again, those first that failed first', parseLimit)
    .option('--dry-run', 'only say which would be run again')
    .option('--json', 'print what became of each as JSON, one a line')
    .addHelpText(
      'after',
      `
May be broken off and called again: what was run again is not run twice. Exits with 1 when a job could not be.

Example:
  $ comfygate jobs retry --code STORAGE_UNAVAILABLE --since 2h --dry-run
  $ comfygate jobs retry --code STORAGE_UNAVAILABLE --since 2h`,
    )
    .action((ids: string[], given: RetryOptions, command: Command) =>
      within(command, async (operator) => {
        const { dryRun = false, json } = given;
        const onlyListed = ids.length === 0;
        const chosen = onlyListed ? await failedSince(operator, given, command) : named(ids, given, command);
        const sums: Record<RetryResult['outcome'], number> = {
          retried: 0,
          'already-retried': 0,
          'would-retry': 0,
          refused: 0,
        };
        for await (const result of operator.retry(chosen, { dryRun, onlyListed })) {
          sums[result.outcome]++;
          write(json ? `${JSON.stringify(result)}\n` : retryLine(result));
        }
        const done = dryRun ? `${sums['would-retry']} would be run again` : `${sums.retried} run again`;
        const before = sums['already-retried'] > 0 ? `, ${sums['already-retried']} had been before` : '';
        note(`${done}${before}, ${sums.refused} refused\n`);
        if (sums.refused > 0) process.exitCode = 1;
      }),
    );

  addAssignCommand(jobs, { write, note, within });

  async function within(command: Command, act: (operator: JobOperator) => Promise<void>) {
    await using session = await options.open();
    try {
      await act(session.operator);
    } catch (error) {
      if (options.isUnreachable(error)) {
        command.error('error: Redis does not answer any more: call this again, nothing is done twice', { exitCode: 1 });
      }
      if (!(error instanceof GatewayError)) throw error;
      command.error(`error: ${error.message}: mend that, then call this again, nothing is done twice`, { exitCode: 1 });
    }
  }

  return jobs;
}

function named(ids: string[], { code, since, limit }: RetryOptions, command: Command): string[] {
  if (code === undefined && since === undefined && limit === undefined) return ids;
  return command.error('error: expected either ids, or --code and --since', { exitCode: 1 });
}

async function failedSince(operator: JobOperator, { code, since, limit }: RetryOptions, command: Command) {
  if (code === undefined || since === undefined) {
    return command.error('error: expected ids, or both --code and --since: see `comfygate jobs list --failed`', {
      exitCode: 1,
    });
  }
  const now = await operator.now();
  // The query ends now: a job that runs again and fails meanwhile must not be run once more.
  const query = { codes: [code], since: since(now), until: now, order: 'oldest first' } as const;
  return (async function* () {
    for await (const { id } of operator.failed(query, limit ?? MAX_LIMIT)) yield id;
  })();
}

const codeOption = (description: string) => new Option('--code <code>', description).choices(jobErrorCodes);

function parseLimit(text: string): number {
  const limit = /^\d{1,7}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > MAX_LIMIT) throw new InvalidArgumentError(`expected 1 to ${MAX_LIMIT}`);
  return limit;
}

function parseId(text: string): string {
  const id = z.uuid().safeParse(text.toLowerCase());
  if (!id.success) throw new InvalidArgumentError('expected the id of a job, a UUID');
  return id.data;
}

const collectIds = (text: string, earlier: string[] = []) => [...earlier, parseId(text)];
