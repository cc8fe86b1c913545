import type { Artifact, Json } from '../core/job.ts';
import type { FailedJob } from '../job-record/failed-jobs.ts';
import type { AssignResult } from '../jobs/assign-jobs.ts';
import type { RetryResult, ShownJob } from '../jobs/job-operator.ts';
import { textTable } from './text-table.ts';

const time = (ms: number) => new Date(ms).toISOString();
const timeOrNull = (ms: number | null) => (ms === null ? null : time(ms));

/** One line of `jobs list --json`. */
export function failedLine({ createdAt, finishedAt, ...job }: FailedJob): string {
  return `${JSON.stringify({ ...job, createdAt: time(createdAt), finishedAt: time(finishedAt) })}\n`;
}

export function failedTable(jobs: readonly FailedJob[]): string {
  if (jobs.length === 0) return 'No such job has failed, or all were run again.\n';
  return textTable([
    ['ENDED', 'CODE', 'JOB', 'WORKFLOW', 'CALLER', 'BACKEND', 'ATTEMPTS', 'MESSAGE'],
    ...jobs.map(({ finishedAt, error, id, workflow, caller, backend, attempts }) => [
      time(finishedAt),
      error.code,
      id,
      workflow,
      caller,
      backend ?? '-',
      String(attempts),
      error.message,
    ]),
  ]);
}

export function retryLine(result: RetryResult): string {
  switch (result.outcome) {
    case 'retried':
      return `${result.id} runs again as ${result.retry}\n`;
    case 'already-retried':
      return `${result.id} was run again before, ${result.retry === null ? 'by its caller' : `as ${result.retry}`}\n`;
    case 'would-retry':
      return `${result.id} would be run again\n`;
    case 'refused':
      return `${result.id} refused: ${result.reason}\n`;
  }
}

export function assignLine(result: AssignResult, to: string): string {
  switch (result.outcome) {
    case 'assigned':
      return `${result.id} belongs to ${to}\n`;
    case 'would-assign':
      return `${result.id} would belong to ${to}\n`;
    case 'keys':
      return '';
  }
}

/** The output of `jobs show --json`. User, query and fragment of URLs are removed, since they may be secret. */
export function jobDocument({ job, events, retriedAs }: ShownJob) {
  const { submission, timings, artifacts, parameters, createdAt, startedAt, finishedAt, ...rest } = job;
  const { cancelRequestedAt, deadlineAt, expiresAt, ...plain } = rest;
  return {
    ...plain,
    retriedAs,
    backend: submission?.backend ?? null,
    submissions: submission?.number ?? 0,
    createdAt: time(createdAt),
    startedAt: timeOrNull(startedAt),
    cancelRequestedAt: timeOrNull(cancelRequestedAt),
    finishedAt: timeOrNull(finishedAt),
    deadlineAt: time(deadlineAt),
    expiresAt: timeOrNull(expiresAt),
    queuedMs: startedAt === null ? null : startedAt - createdAt,
    ranMs: startedAt === null || finishedAt === null ? null : finishedAt - startedAt,
    artifacts,
    timings,
    events: events?.map(({ seq, type, at }) => ({ seq, type, at: time(at) })) ?? null,
    parameters: withoutAddressSecrets(parameters),
  };
}

export function describeJob(shown: ShownJob): string {
  const { job, events, retriedAs } = shown;
  const { error, submission, startedAt, finishedAt } = job;
  const node = error?.nodeId ? ` (node ${error.nodeId}${error.classType ? `, ${error.classType}` : ''})` : '';
  const facts: [string, string | null][] = [
    ['job', job.id],
    ['status', job.status],
    ['error', error && `${error.code}${node}: ${error.message}`],
    ['workflow', job.workflow],
    ['caller', job.caller],
    ['request', job.requestId],
    ['backend', submission && `${submission.backend}, submission ${submission.number}`],
    ['attempts', `${job.attempts}, of which ${job.failures} failed and ${job.takeovers} took over`],
    ['created', time(job.createdAt)],
    ['started', startedAt === null ? null : `${time(startedAt)}, after ${seconds(startedAt - job.createdAt)}`],
    [
      'ended',
      finishedAt === null
        ? null
        : `${time(finishedAt)}, after ${seconds(finishedAt - (startedAt ?? job.createdAt))} more`,
    ],
    ['deadline', time(job.deadlineAt)],
    ['kept until', timeOrNull(job.expiresAt)],
    ['runs again', job.retryOf],
    ['run again as', retriedAs],
  ];
  const lines = facts.flatMap(([name, value]) => (value ? [[name, value]] : []));
  return [
    textTable(lines),
    section(
      'EVENTS',
      events?.map(({ seq, type, at }) => [String(seq), type, time(at)]) ?? [['the first ones are no longer kept']],
    ),
    section(
      'NODES',
      job.timings.map(({ nodeId, classType, ms, cached }) => [nodeId, classType, cached ? 'cached' : seconds(ms)]),
    ),
    section('RESULTS', job.artifacts.map(artifactRow)),
  ].join('');
}

const artifactRow = ({ filename, contentType, sizeBytes, node }: Artifact) => [
  filename,
  contentType,
  `${sizeBytes} bytes`,
  `of node ${node}`,
];

const section = (title: string, rows: string[][]) => (rows.length === 0 ? '' : `\n${title}\n${textTable(rows)}`);

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

/** Parameters may hold signed URLs: of input files, and anywhere in a custom graph. */
function withoutAddressSecrets(value: Json): Json {
  if (typeof value === 'string') return bareAddress(value);
  if (Array.isArray(value)) return value.map(withoutAddressSecrets);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, withoutAddressSecrets(each)]));
}

function bareAddress(text: string): string {
  if (!/^https?:/i.test(text) || !URL.canParse(text)) return text;
  const url = new URL(text);
  if (url.search === '' && url.hash === '' && url.username === '' && url.password === '') return text;
  return `${url.origin}${url.pathname} (cut off)`;
}
