import { RedisPubSub } from 'graphql-redis-subscriptions';
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { afterRunning, within } from '../../async/timeout.ts';
import { badInput, notFound, unavailable } from '../../core/errors.ts';
import { isTerminal } from '../../core/job.ts';
import { isUuid } from '../../core/uuid.ts';
import { eventsOwed, type LogReading } from '../../job-record/event-log.ts';
import { readLog } from '../../job-record/redis/read-log.ts';
import { isOwn } from '../../job-record/redis/read-own.ts';
import { throttledWarning } from '../../observability/throttled.ts';
import { isRedisDown } from '../../redis/is-down.ts';
import type { Keys } from '../../redis/keys.ts';
import { createJobFeed, type JobFeed } from '../job-feed.ts';
import type { ProgressFeed, WatchRequest } from '../progress.ts';
import { startQueueMoves } from '../queue-moves.ts';
import { createWatcher, type Watcher } from '../watcher.ts';
import { watchOutage } from './outage.ts';
import { createPreviewChannels } from './redis-previews.ts';

export interface ProgressOptions {
  /** A request connection, for reading. */
  redis: Redis;
  /** A connection of its own, which is closed with the feed. */
  subscriber: Redis;
  keys: Keys;
  log: Logger;
  /** Records are compared with what watchers have seen every so often, in case a message was lost. Default 5 s. */
  checkIntervalMs?: number;
  /** For how long a watcher that comes while Redis is away waits until it is back. Default 30 s. */
  waitMs?: number;
  now?: () => number;
  /** Places of jobs in the queue, read behind `redis`'s earlier commands; see `JobQueue`. Default: none is known. */
  positions?: (jobIds: string[]) => Promise<(number | null)[]>;
  /** At least so long between two MOVED events of a job. Default 1 s. */
  moveIntervalMs?: number;
  /** Called with each event that a newer one has replaced for a slow watcher. */
  onConflated?: () => void;
}

/** A Redis that has not answered by then is away. */
const SUBSCRIBE_TIMEOUT_MS = 1_500;
const RETRY_AFTER_SECONDS = 2;

/** A watcher from its coming to its leaving. */
interface Visit {
  watcher: Watcher;
  /** Its client has left, or its last event is out. */
  isOver: boolean;
  /** Aborted then; null: nothing waits for that. */
  leaving: AbortController | null;
  /** Ends what follows the job for it. */
  end: () => void;
}

interface Following {
  feed: JobFeed;
  subscription: Promise<number>;
  /** While nothing is known of the job: what its first watcher reads. */
  first: Promise<LogReading | null> | null;
  /** While there is a watcher that gets them. */
  previews: Disposable | null;
}

/** Watches jobs through Redis: one channel for each job that is watched, whatever the number of its watchers. */
export function createRedisProgress(options: ProgressOptions): ProgressFeed {
  const { redis, subscriber, keys, log, checkIntervalMs = 5_000, waitMs = 30_000, now = Date.now } = options;
  const pubsub = new RedisPubSub({ publisher: redis, subscriber });
  const channels = createPreviewChannels({ redis, pubsub, keys, log });
  const followed = new Map<string, Following>();
  const outage = watchOutage(redis, subscriber);
  const late = new Set<Watcher>();
  // Each event of each job would be a line.
  const unreadable = throttledWarning(log, 'what was published for watchers could not be read');
  const unreadLog = throttledWarning(log, 'the events of a job could not be read');
  const unreadPlaces = throttledWarning(log, 'places in the queue could not be read');
  const moves = startQueueMoves({
    intervalMs: options.moveIntervalMs ?? 1_000,
    positions: async (jobIds) => options.positions?.(jobIds) ?? [],
    feeds: () => [...followed].map(([jobId, { feed }]) => [jobId, feed] as const),
    onError: (error, fields) => (isRedisDown(error) ? undefined : unreadPlaces(error, fields)),
  });
  const gone = () => notFound('the job was removed: job');

  function follow(jobId: string): Following {
    const present = followed.get(jobId);
    if (present) return present;
    const feed = createJobFeed(now, gone);
    const subscription = pubsub.subscribe(keys.channel(jobId), (message: unknown) => {
      try {
        if (feed.live(message) === 'stale') void catchUp(jobId, feed);
        unreadable.over();
      } catch (error) {
        // Not one of ours, or of a version that this one does not know: the next check reads the record instead.
        unreadable(error, { jobId });
      }
    });
    const following: Following = { feed, subscription, first: null, previews: null };
    followed.set(jobId, following);
    subscription.then(outage.heard, () => undefined);
    return following;
  }

  function preview(jobId: string, following: Following, watcher: Watcher) {
    const { feed } = following;
    feed.addPreviewer(watcher);
    following.previews ??= channels.open(jobId, (message) => {
      try {
        feed.preview(message);
      } catch (error) {
        unreadable(error, { jobId });
      }
    });
  }

  function unfollow(jobId: string, following: Following) {
    const { feed, subscription } = following;
    if (feed.previewers.size === 0) {
      following.previews?.[Symbol.dispose]();
      following.previews = null;
    }
    if (feed.watchers.size > 0 || followed.get(jobId)?.feed !== feed) return;
    followed.delete(jobId);
    subscription.then(
      (id) => pubsub.unsubscribe(id),
      (error: Error) => log.debug({ jobId, error: error.message }, 'subscription never came about'),
    );
  }

  /** Reads for a watcher. Parameters may be a megabyte: they are read for the first, and all have the same object. */
  async function read(jobId: string, following: Following, afterSeq: number): Promise<LogReading | null> {
    const known = following.feed.job ?? (await following.first)?.job;
    const reading = readLog(redis, keys, jobId, afterSeq, known?.parameters);
    if (known) return reading;
    following.first = reading;
    return reading.finally(() => {
      following.first = null;
    });
  }

  /** Reads what was missed. While Redis is away watchers wait: the next reconnect or check comes here again. */
  async function catchUp(jobId: string, feed: JobFeed) {
    const since = feed.job?.seq;
    if (since === undefined) return;
    try {
      feed.catchUp(await readLog(redis, keys, jobId, since, feed.job?.parameters), since);
      unreadLog.over();
    } catch (error) {
      if (!isRedisDown(error)) unreadLog(error, { jobId });
    }
  }

  /** Compares all followed jobs with their records in one round trip, and reads the logs of those that differ. */
  async function check() {
    const following = [...followed];
    if (following.length === 0 || redis.status !== 'ready') return;
    const pipeline = redis.pipeline();
    for (const [jobId] of following) pipeline.hmget(keys.job(jobId), 'seq', 'status');
    const replies = await pipeline.exec().catch(() => null);
    if (!replies) return;
    await Promise.all(
      following.map(async ([jobId, { feed }], i) => {
        const [error, value] = replies[i] ?? [];
        if (error || !feed.job || !Array.isArray(value)) return;
        if (Number(value[0]) !== feed.job.seq || value[1] !== feed.job.status) await catchUp(jobId, feed);
      }),
    );
  }

  const timer = setInterval(() => {
    outage.letIn();
    void check();
  }, checkIntervalMs);
  timer.unref();
  // A ping behind the SUBSCRIBEs that ioredis repeats: its answer says that they are in force. Without one, `ready`
  // comes again.
  const onReady = () =>
    void subscriber.ping().then(
      () => {
        outage.heard();
        return Promise.all([check(), channels.refresh()]);
      },
      () => undefined,
    );
  subscriber.on('ready', onReady);

  /** Rejects where Redis is away, or there is no such job: then nothing follows it for this watcher. */
  async function begin(request: WatchRequest, visit: Visit) {
    const { jobId, identity, afterSeq, previews = false } = request;
    const { watcher } = visit;
    const following = follow(jobId);
    const { feed } = following;
    const end = () => {
      feed.remove(watcher);
      unfollow(jobId, following);
    };
    visit.end = end;
    feed.add(watcher);
    const subscribed = within(SUBSCRIBE_TIMEOUT_MS, following.subscription).catch((error: unknown) => {
      outage.silent();
      throw error;
    });
    subscribed.catch(() => undefined);
    try {
      // Answered first: whether others follow the job here cannot be told by how long it takes.
      const owned = await isOwn(redis, keys, identity, jobId).catch(async (error: unknown) => {
        await subscribed;
        throw error;
      });
      if (!owned) throw notFound('job');
      await subscribed;
      const reading = await read(jobId, following, afterSeq ?? Number.MAX_SAFE_INTEGER);
      if (!reading) throw notFound('job');
      const isShown = afterSeq === null && reading.job.status === 'QUEUED';
      if (request.moves) moves.add(jobId, feed, watcher, isShown);
      watcher.start(eventsOwed(reading, now()), reading.job.seq);
      const stale = feed.start(reading.job) === 'stale' || (feed.job?.seq ?? 0) !== reading.job.seq;
      if (stale) void catchUp(jobId, feed);
      if (isTerminal(reading.job.status)) watcher.finish();
      else if (previews && feed.watchers.has(watcher)) preview(jobId, following, watcher);
    } catch (error) {
      end();
      throw error;
    }
  }

  /** For a watcher that came while Redis was away: it waits as those do that are open, for a while. */
  async function beginLater(request: WatchRequest, visit: Visit) {
    const { watcher } = visit;
    visit.leaving = new AbortController();
    const { signal: left } = visit.leaving;
    if (visit.isOver) visit.leaving.abort();
    const away = unavailable('Redis cannot be reached', RETRY_AFTER_SECONDS);
    const callOff = afterRunning(waitMs, () => watcher.fail(away));
    late.add(watcher);
    try {
      for (let begun = false; !begun; ) {
        await outage.back(left);
        left.throwIfAborted();
        begun = await begin(request, visit).then(
          () => true,
          (error: Error) => {
            if (!isRedisDown(error)) watcher.fail(error);
            return false;
          },
        );
      }
    } catch {
      // It has left.
    } finally {
      callOff();
      late.delete(watcher);
    }
  }

  return {
    async watch(request) {
      if (request.afterSeq !== null && request.afterSeq < 0) {
        throw badInput([{ path: ['afterSeq'], message: 'expected 0 or more', code: 'too_small' }]);
      }
      if (!isUuid(request.jobId)) throw notFound('job');
      const watcher = createWatcher(() => {
        visit.isOver = true;
        visit.leaving?.abort();
        visit.end();
      }, options.onConflated);
      const visit: Visit = { watcher, isOver: false, leaving: null, end: () => undefined };
      try {
        if (outage.isAway()) void beginLater(request, visit);
        else await begin(request, visit);
      } catch (error) {
        if (!isRedisDown(error)) {
          void watcher.iterator.return?.();
          throw error;
        }
        void beginLater(request, visit);
      }
      return watcher.iterator;
    },

    stats() {
      let watchers = outage.waiting;
      for (const { feed } of followed.values()) watchers += feed.watchers.size;
      return { watchers, jobs: followed.size };
    },

    async close() {
      clearInterval(timer);
      moves.close();
      channels.close();
      subscriber.off('ready', onReady);
      outage.close();
      for (const watcher of late) watcher.finish();
      for (const { feed } of followed.values()) for (const watcher of [...feed.watchers]) watcher.finish();
    },
  };
}
