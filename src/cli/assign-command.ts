import { type Command, InvalidArgumentError } from 'commander';
import { EXPECTED_CALLER, isCallerId } from '../callers/names.ts';
import type { JobOperator } from '../jobs/job-operator.ts';
import { assignLine } from './show-job.ts';
import { sinceOption } from './since-option.ts';

interface AssignOptions {
  from: string;
  to: string;
  since?: (now: number) => number;
  dryRun?: boolean;
  json?: boolean;
}

interface Terminal {
  write(text: string): void;
  note(text: string): void;
  within(command: Command, act: (operator: JobOperator) => Promise<void>): Promise<void>;
}

/** `comfygate jobs assign`: hands jobs over to another caller. */
export function addAssignCommand(jobs: Command, { write, note, within }: Terminal): void {
  jobs
    .command('assign')
    .description('hand jobs over to another caller, with their results, uploads and idempotency keys')
    .requiredOption(
      '--from <caller>',
      'whose they are: `anonymous` for those of before there were callers',
      parseCaller,
    )
    .requiredOption('--to <caller>', 'whose they become', parseCaller)
    .addOption(sinceOption('only those that were accepted since then'))
    .option('--dry-run', 'only say which')
    .option('--json', 'print what became of each as JSON, one a line')
    .addHelpText(
      'after',
      `
May be broken off and called again. Who watches one of these jobs just then sees it to its end.

Example:
  $ comfygate jobs assign --from anonymous --to shop --dry-run
  $ comfygate jobs assign --from anonymous --to shop`,
    )
    .action(({ from, to, since, dryRun = false, json }: AssignOptions, command: Command) =>
      within(command, async (operator) => {
        if (from === to) command.error('error: expected two callers: --from and --to are the same', { exitCode: 1 });
        const sums = { jobs: 0, keys: 0 };
        const request = { from, to, since: since?.(await operator.now()) ?? null, dryRun };
        for await (const result of operator.assign(request)) {
          if (result.outcome === 'keys') sums.keys += result.count;
          else sums.jobs++;
          write(json ? `${JSON.stringify(result)}\n` : assignLine(result, to));
        }
        const jobCount = `${sums.jobs} ${sums.jobs === 1 ? 'job' : 'jobs'}`;
        note(dryRun ? `${jobCount} would be handed over\n` : `${jobCount} and ${sums.keys} keys handed over\n`);
      }),
    );
}

function parseCaller(text: string): string {
  if (!isCallerId(text)) throw new InvalidArgumentError(`expected ${EXPECTED_CALLER}`);
  return text;
}
