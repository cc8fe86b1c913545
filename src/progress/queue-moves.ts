import type { JobFeed } from './job-feed.ts';
import type { Watcher } from './watcher.ts';

export interface QueueMovesOptions {
  /** The jobs that are followed, by id. */
  feeds(): Iterable<readonly [jobId: string, feed: JobFeed]>;
  /** Places in the queue in one round trip; null for a job that is not in it. */
  positions(jobIds: string[]): Promise<(number | null)[]>;
  onError(error: unknown, fields: { jobs: number }): void;
  /** At least so long between two looks at the places. */
  intervalMs: number;
}

/** Tells those who watch a QUEUED job of its place there. Where nobody does, nothing is asked. */
export interface QueueMoves {
  /**
   * The watcher is told from now on, and first when the place is another than it is now. To be called before its first
   * event is out, and with `shown` false where no event shows it a place: then it is told with the next look.
   */
  add(jobId: string, feed: JobFeed, watcher: Watcher, shown: boolean): void;
  close(): void;
}

/** Of one look: two commands for each. Where more jobs are watched they take turns. */
const MOST_AT_ONCE = 1_000;

export function startQueueMoves({ feeds, positions, onError, intervalMs }: QueueMovesOptions): QueueMoves {
  let turn = 0;
  let closed = false;
  let timer = setTimeout(look, intervalMs).unref();

  async function look() {
    const waiting = [...feeds()].filter(([, { wantsPlace }]) => wantsPlace);
    if (turn >= waiting.length) turn = 0;
    const asked = waiting.slice(turn, turn + MOST_AT_ONCE);
    turn += MOST_AT_ONCE;
    try {
      if (asked.length > 0) {
        const places = await positions(asked.map(([jobId]) => jobId));
        for (const [i, [, feed]] of asked.entries()) feed.placed(places[i] ?? null);
      }
    } catch (error) {
      onError(error, { jobs: asked.length });
    }
    // Behind the answer: so long passes between two events of a job, however late one is.
    if (!closed) timer = setTimeout(look, intervalMs).unref();
  }

  return {
    add(jobId, feed, watcher, shown) {
      const begin = (told: number | null) => {
        if (feed.watchers.has(watcher)) feed.addMover(watcher, told);
      };
      if (!shown) return begin(null);
      positions([jobId]).then(
        ([place = null]) => begin(place),
        () => begin(null),
      );
    },
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
