import { GatewayError } from '../core/errors.ts';
import { isTerminal, type Job } from '../core/job.ts';
import type { ProgressFeed } from './progress.ts';

export interface WaitRequest {
  caller: string;
  /** How long at most; null or 0: not at all. */
  waitSeconds: number | null;
  /** Aborts when the client has left. */
  signal: AbortSignal;
}

/** Holds answers until their job has ended: for scripts that cannot watch. */
export interface Waits {
  /**
   * Asks, and gives the answer with its job as it is at its end, or as it is when the time is over, the client has left or the
   * gateway stops. Rejects with LIMIT_EXCEEDED before it asks when too many wait, with NOT_FOUND when the job is removed
   * meanwhile, and with UNAVAILABLE when Redis is away as the wait begins; an outage later on is waited out.
   */
  hold<Answer extends { job: Job | null }>(request: WaitRequest, ask: () => Promise<Answer>): Promise<Answer>;
  /** Answers that are held right now. */
  held(): number;
  /** Lets go all that are held, and holds no more. */
  close(): void;
}

/** Each follows its own job at the feed: nothing is asked again and again. */
const MAX_WAITS = 1_000;

export function createWaits(feed: Pick<ProgressFeed, 'watch'>, max = MAX_WAITS): Waits {
  const held = new Set<AbortController>();
  let closed = false;

  async function lastOf(job: Job, caller: string, enough: AbortSignal): Promise<Job> {
    if (isTerminal(job.status) || enough.aborted) return job;
    const events = await feed.watch({ jobId: job.id, caller, afterSeq: null });
    const leave = () => void events.return?.();
    enough.addEventListener('abort', leave);
    if (enough.aborted) leave();
    let latest = job;
    for await (const event of events) latest = event.job;
    return latest;
  }

  return {
    async hold({ caller, waitSeconds, signal }, ask) {
      if (!waitSeconds || closed) return ask();
      if (held.size >= max) {
        throw new GatewayError(`${max} calls wait already: leave waitSeconds out, and watch the job or ask again`, {
          code: 'LIMIT_EXCEEDED',
        });
      }
      const enough = new AbortController();
      const letGo = () => enough.abort();
      const timer = setTimeout(letGo, waitSeconds * 1_000);
      signal.addEventListener('abort', letGo);
      if (signal.aborted) letGo();
      held.add(enough);
      try {
        const answer = await ask();
        return answer.job ? { ...answer, job: await lastOf(answer.job, caller, enough.signal) } : answer;
      } finally {
        held.delete(enough);
        clearTimeout(timer);
        signal.removeEventListener('abort', letGo);
      }
    },
    held: () => held.size,
    close() {
      closed = true;
      for (const enough of held) enough.abort();
    },
  };
}
