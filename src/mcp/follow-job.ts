import type { Identity } from '../callers/identity.ts';
import { excerpt } from '../core/errors.ts';
import { isTerminalEvent, type JobEvent } from '../core/events.ts';
import { isTerminal, type Job } from '../core/job.ts';
import type { ProgressFeed } from '../progress/progress.ts';

export interface FollowOptions {
  feed: Pick<ProgressFeed, 'watch'>;
  identity: Identity;
  waitSeconds: number;
  /** Any of them ends the wait. */
  signals: readonly AbortSignal[];
  onEvent(event: JobEvent): Promise<void>;
}

/** The job as it is at its end, or as it was last seen when the time is over or a signal aborts. */
export async function followJob(job: Job, options: FollowOptions): Promise<Job> {
  const { feed, identity, waitSeconds, signals, onEvent } = options;
  if (isTerminal(job.status) || waitSeconds === 0) return job;
  const over = AbortSignal.any([...signals, AbortSignal.timeout(waitSeconds * 1_000)]);
  if (over.aborted) return job;
  const events = await feed.watch({ jobId: job.id, identity, afterSeq: null, moves: true });
  const leave = () => void events.return?.();
  over.addEventListener('abort', leave);
  if (over.aborted) leave();
  let latest = job;
  try {
    for await (const event of events) {
      latest = event.job;
      await onEvent(event);
    }
  } finally {
    over.removeEventListener('abort', leave);
  }
  return latest;
}

export interface Progress {
  progress: number;
  total: number;
  message: string;
}

/**
 * What a client is told of an event: percent and words. Null where there is nothing new. Each number is above the last,
 * as the protocol has it, also of a job that waits or is run again.
 */
export function createProgress(): (event: JobEvent) => Progress | null {
  let last = -1;
  let said = '';
  return (event) => {
    const { fraction } = event.job.progress;
    const percent = Math.round(fraction * 1_000) / 10;
    const message = messageOf(event);
    if (isTerminalEvent(event.type) || (percent <= last && message === said)) return null;
    last = percent > last ? percent : last + 0.001;
    said = message;
    return { progress: last, total: 100, message };
  };
}

function messageOf({ job, queuePosition }: JobEvent): string {
  const { node } = job.progress;
  if (job.status === 'QUEUED') {
    return queuePosition === undefined ? 'waits' : `waits, ${queuePosition} jobs are before it`;
  }
  if (!node) return 'runs';
  const step = node.step === null || node.totalSteps === null ? '' : ` ${node.step}/${node.totalSteps}`;
  return `${excerpt(node.title ?? node.classType)}${step}`;
}
