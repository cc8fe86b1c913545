import { createShares } from '../async/shares.ts';
import { GatewayError } from '../core/errors.ts';
import type { Job } from '../core/job.ts';
import type { ProgressFeed } from './progress.ts';

export interface LongPollRequest {
  caller: string;
  /** Whom it is counted against: a client's address. */
  client: string;
  /** How long the answer is held at most, from now on. */
  waitSeconds: number;
  /** Aborts when the client has left, or with the error that it is told instead. */
  signal: AbortSignal;
}

/** Holds answers until their job has ended: for scripts that cannot watch. */
export interface LongPoll {
  /**
   * Takes one of the places that there are for held answers, until it is disposed of. Throws LIMIT_EXCEEDED when all
   * are taken, or this client's share of them (see shares.ts): a call takes its place before it makes a job, so that
   * one that is refused has made none.
   */
  begin(request: LongPollRequest): HeldAnswer;
  /** Answers that are held right now. */
  count(): number;
  /** Lets go all that are held, and holds no more. */
  close(): void;
}

export interface HeldAnswer extends Disposable {
  /**
   * The job as it is at its end, or as it was last seen when the time is over, the client has left or the gateway
   * stops; null when nothing was seen of it by then. Rejects with NOT_FOUND when the caller has no such job or it is
   * removed meanwhile, with the reason of the signal where that is a GatewayError, and with UNAVAILABLE when Redis is
   * away for longer than a watcher waits for it.
   */
  untilEnded(jobId: string): Promise<Job | null>;
}

/** Of all clients. Each follows its own job at the feed: nothing is read again and again. */
const MAX_HELD = 1_000;

export function createLongPoll(feed: Pick<ProgressFeed, 'watch'>, max = MAX_HELD): LongPoll {
  const held = new Set<AbortController>();
  const places = createShares(max);
  let closed = false;

  async function untilEnded(jobId: string, caller: string, released: AbortSignal): Promise<Job | null> {
    throwReason(released);
    if (released.aborted) return null;
    const events = await feed.watch({ jobId, caller, afterSeq: null });
    const leave = () => void events.return?.();
    released.addEventListener('abort', leave);
    if (released.aborted) leave();
    let latest: Job | null = null;
    for await (const event of events) latest = event.job;
    throwReason(released);
    return latest;
  }

  return {
    begin({ caller, client, waitSeconds, signal }) {
      if (!closed && !places.take(client)) {
        throw new GatewayError('too many calls wait already: leave waitSeconds out, and watch the job or ask again', {
          code: 'LIMIT_EXCEEDED',
        });
      }
      const released = new AbortController();
      const release = () => released.abort(signal.reason);
      const timer = setTimeout(release, waitSeconds * 1_000);
      signal.addEventListener('abort', release);
      if (closed) release();
      else held.add(released);
      if (signal.aborted) release();
      return {
        untilEnded: (jobId) => untilEnded(jobId, caller, released.signal),
        [Symbol.dispose]() {
          if (held.delete(released)) places.give(client);
          clearTimeout(timer);
          signal.removeEventListener('abort', release);
        },
      };
    },
    count: () => held.size,
    close() {
      closed = true;
      for (const released of held) released.abort();
    },
  };
}

function throwReason({ reason }: AbortSignal): void {
  if (reason instanceof GatewayError) throw reason;
}
