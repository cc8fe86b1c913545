import { CommanderError } from 'commander';
import { expect, it } from 'vitest';
import { createJobsCommand } from '../../../src/cli/jobs-command.ts';
import { unavailable } from '../../../src/core/errors.ts';
import type { FailedJob } from '../../../src/job-record/failed-jobs.ts';
import type { JobOperator } from '../../../src/jobs/job-operator.ts';

const ID = '01a20963-ea3f-72da-87b7-4504daf3aa66';

const failedJob: FailedJob = {
  id: ID,
  caller: 'anonymous',
  workflow: 'textToImage',
  error: { code: 'TIMEOUT', message: 'late', nodeId: null, classType: null, retryable: true },
  attempts: 1,
  backend: null,
  retryOf: null,
  createdAt: 0,
  finishedAt: 1,
};

/** Of an installation that never had a job. */
const empty: JobOperator = {
  now: async () => 0,
  failed: async function* () {},
  show: async () => null,
  retry: async function* () {},
  assign: async function* () {},
};

/** What `comfygate jobs <args>` prints, and its exit code. */
async function jobs(args: string[], operator: Partial<JobOperator> = {}) {
  let text = '';
  const write = (more: string) => {
    text += more;
  };
  const command = createJobsCommand({
    open: async () => ({ operator: { ...empty, ...operator }, [Symbol.asyncDispose]: async () => undefined }),
    write,
    note: write,
    isUnreachable: (error) => error instanceof Error && error.message === 'away',
  });
  for (const each of [command, ...command.commands]) each.exitOverride().configureOutput({ writeErr: write });
  try {
    await command.parseAsync(args, { from: 'user' });
    return { code: 0, text };
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return { code: error.exitCode, text };
  }
}

it.each([
  [['list'], /^error: expected --failed/],
  [['list', '--failed', '--code', 'NOPE'], /^error: .*STORAGE_FULL/],
  [['list', '--failed', '--code', 'TIMEOUT', '--all'], /^error: .*cannot be used with/],
  [['list', '--failed', '--since', 'then'], /^error: .*expected 90s/],
  [['list', '--failed', '--limit', '0'], /^error: .*expected 1 to/],
  [['list', '--failed', '--limit', '1e3'], /^error: .*expected 1 to/],
  [['retry'], /^error: expected ids, or both/],
  [['retry', '--code', 'TIMEOUT'], /^error: expected ids, or both/],
  [['retry', '--since', '2h'], /^error: expected ids, or both/],
  [['retry', ID, '--code', 'TIMEOUT'], /^error: expected either/],
  [['retry', ID, 'x'], /^error: .*a UUID/],
  [['assign', '--from', 'a'], /^error: required option '--to/],
  [['assign', '--from', 'a', '--to', 'b c'], /^error: .*expected 1 to 64/],
  [['assign', '--from', 'a', '--to', 'a'], /^error: .*are the same/],
  [['show', ID], /^error: there is no job/],
  [['show', 'x'], /^error: .*a UUID/],
])('%j is refused with what was expected', async (args, says) => {
  expect(await jobs(args)).toEqual({ code: 1, text: expect.stringMatching(says) });
});

it('asks for what its options say', async () => {
  const asked: unknown[] = [];
  const operator: Partial<JobOperator> = {
    now: async () => 10_000_000,
    failed: async function* (query, limit) {
      asked.push([query, limit]);
      yield* [];
    },
    retry: async function* (ids, options) {
      for await (const id of ids) asked.push(id);
      asked.push(options);
      yield* [];
    },
  };
  const list = await jobs(['list', '--failed', '--code', 'INTERNAL', '--since', '1h', '--limit', '7'], operator);
  expect(list).toEqual({ code: 0, text: 'No such job has failed, or all were run again.\n' });
  await jobs(['retry', '--code', 'TIMEOUT', '--since', '90s', '--limit', '3', '--dry-run'], operator);
  await jobs(['retry', ID.toUpperCase()], operator);
  expect(asked).toEqual([
    [{ codes: ['INTERNAL'], since: 6_400_000, until: null, order: 'newest first' }, 8],
    // What fails again meanwhile is left alone.
    [{ codes: ['TIMEOUT'], since: 9_910_000, until: 10_000_000, order: 'oldest first' }, 3],
    { dryRun: true, onlyListed: true },
    ID,
    { dryRun: false, onlyListed: false },
  ]);
});

it.each([
  [[], `${ID} belongs to shop\n1 job and 2 keys handed over\n`],
  [['--json'], `{"id":"${ID}","outcome":"assigned"}\n{"outcome":"keys","count":2}\n1 job and 2 keys handed over\n`],
])('says what was handed over: %j', async (args, text) => {
  const asked: unknown[] = [];
  const operator: Partial<JobOperator> = {
    now: async () => 10_000_000,
    assign: async function* (request) {
      asked.push(request);
      yield { id: ID, outcome: 'assigned' };
      yield { outcome: 'keys', count: 2 };
    },
  };
  const given = ['assign', '--from', 'anonymous', '--to', 'shop', '--since', '1h', ...args];
  expect(await jobs(given, operator)).toEqual({ code: 0, text });
  expect(asked).toEqual([{ from: 'anonymous', to: 'shop', since: 6_400_000, dryRun: false }]);
});

it.each([
  [[], /^ENDED.*\n.*first.*\n.*second.*\nThere are more than these 2: see --limit/],
  [['--json'], /^\{.*first.*\}\n\{.*second.*\}\nThere are more than these 2: see --limit/],
])('says where a list goes on behind its limit: %j', async (args, says) => {
  const names = ['first', 'second', 'third'];
  const failed = (count: number): Partial<JobOperator> => ({
    failed: async function* (_query, limit) {
      for (const workflow of names.slice(0, Math.min(count, limit))) yield { ...failedJob, workflow };
    },
  });
  const list = ['list', '--failed', '--limit', '2', ...args];
  const { text } = await jobs(list, failed(3));
  expect(text).toMatch(says);
  expect(text).not.toContain('third');
  expect((await jobs(list, failed(2))).text).not.toContain('more');
});

it('says that it may be called again where it had to break off', async () => {
  const failing = (error: Error): Partial<JobOperator> => ({
    retry: async function* () {
      yield { id: ID, outcome: 'retried', retry: ID };
      throw error;
    },
  });
  expect(await jobs(['retry', ID], failing(new Error('away')))).toEqual({
    code: 1,
    text: expect.stringMatching(/^\S+ runs again as \S+\nerror: Redis does not answer any more: call this again/),
  });
  expect(await jobs(['retry', ID, '--json'], failing(unavailable('no ComfyUI server has been reached', 30)))).toEqual({
    code: 1,
    text: expect.stringMatching(
      /^\{"id".*\}\nerror: no ComfyUI server has been reached: mend that, then call this again/,
    ),
  });
  await expect(jobs(['retry', ID], failing(new TypeError('a bug')))).rejects.toThrow('a bug');
});
