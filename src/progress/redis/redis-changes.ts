import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { type AsyncQueue, createAsyncQueue } from '../../async/async-queue.ts';
import { coalesced } from '../../async/coalesce.ts';
import { within } from '../../async/timeout.ts';
import { maySee, type Sight } from '../../callers/identity.ts';
import { unavailable } from '../../core/errors.ts';
import type { JobEvent } from '../../core/events.ts';
import type { JobFilter } from '../../core/job.ts';
import { type ChangesReading, isBehind, newestChange, readChanges } from '../../job-record/redis/changes-log.ts';
import { isRedisDown, whyRedisFails } from '../../redis/is-down.ts';
import { CHANGES_LIFE_MS, type Keys } from '../../redis/keys.ts';
import { isWanted, type JobChanges } from '../job-changes.ts';

export interface ChangesOptions {
  /** A request connection, for reading. */
  redis: Redis;
  /** The connection that is subscribed; it stays open. */
  subscriber: Redis;
  keys: Keys;
  log: Logger;
  /** The log is read every so often, in case a message was lost. Default 5 s. */
  checkIntervalMs?: number;
}

/** Together with one reading it keeps within the 3 s in which an outage is told. */
const SUBSCRIBE_TIMEOUT_MS = 1_500;

/** What may wait for one slow client: events, and bytes of their jobs' parameters. */
const MAX_WAITING = 1_000;
const MAX_WAITING_BYTES = 8 * 1024 * 1024;

interface Watcher {
  identity: Sight;
  filter: JobFilter;
  /** It has seen what happened up to here; null: not known yet. */
  since: string | null;
  /** What came while that was not known. */
  held: ChangesReading['events'];
  queue: AsyncQueue<JobEvent>;
}

/** One caller as this process follows it, for all watchers. */
interface Following {
  caller: string;
  watchers: Set<Watcher>;
  subscribed: Promise<unknown>;
  /** The entry read last; null: not known yet. */
  place: string | null;
  /** Reads what has happened, up to now. */
  read(): Promise<void>;
}

const missed = () => unavailable('changes were missed: read `jobs` again and subscribe anew', 1);

/** Follows callers through Redis: one channel and one reader for each, whatever the number of its watchers. */
export function createRedisChanges(options: ChangesOptions): JobChanges {
  const { redis, subscriber, keys, log, checkIntervalMs = 5_000 } = options;
  const sizes = new WeakMap<JobEvent, number>();
  /** By channel. */
  const followed = new Map<string, Following>();

  function sizeOf(event: JobEvent): number {
    const size = sizes.get(event) ?? JSON.stringify(event.job.parameters).length;
    sizes.set(event, size);
    return size;
  }

  function failAll({ watchers }: Following, error: Error) {
    for (const { queue } of [...watchers]) queue.abort(error);
  }

  function give(watcher: Watcher, { place, event }: ChangesReading['events'][number]) {
    const { identity, filter, since, held, queue } = watcher;
    if (since === null) held.push({ place, event });
    else if (isBehind(place, since) && maySee(identity, event.job) && isWanted(event, filter) && !queue.push(event))
      queue.abort(missed());
  }

  async function readOn(following: Following) {
    const { caller, watchers } = following;
    for (let more = true; more && following.place !== null; ) {
      const reading = await readChanges(redis, keys, caller, following.place);
      // With its last watcher the following goes too: whoever comes next begins at what is there then.
      if (!reading) return failAll(following, missed());
      following.place = reading.place;
      for (const each of reading.events) for (const watcher of [...watchers]) give(watcher, each);
      more = reading.more;
    }
  }

  /** While Redis is away watchers wait: the next reconnect or check comes here again. */
  function wake(following: Following) {
    following.read().catch((error: Error) => {
      if (!isRedisDown(error)) failAll(following, error);
    });
  }

  function follow(caller: string): Following {
    const channel = keys.changes(caller);
    const present = followed.get(channel);
    if (present) return present;
    const following: Following = {
      caller,
      watchers: new Set(),
      subscribed: subscriber.subscribe(channel),
      place: null,
      read: coalesced(() => readOn(following)),
    };
    followed.set(channel, following);
    return following;
  }

  function unfollow(following: Following) {
    const channel = keys.changes(following.caller);
    if (following.watchers.size > 0 || followed.get(channel) !== following) return;
    followed.delete(channel);
    subscriber
      .unsubscribe(channel)
      .catch((error: Error) => log.debug({ error: error.message }, 'no longer subscribed: the connection has ended'));
  }

  /** Without a reader the log goes in the end; with one it must not, since a missing log means lost writes. */
  function check() {
    if (redis.status !== 'ready') return;
    for (const [channel, following] of followed) {
      redis
        .pexpire(channel, CHANGES_LIFE_MS)
        .catch((error: Error) => log.debug({ error: error.message }, 'the changes could not be kept for longer'));
      wake(following);
    }
  }

  const onMessage = (channel: string) => {
    const following = followed.get(channel);
    if (following) wake(following);
  };
  subscriber.on('message', onMessage);
  const timer = setInterval(check, checkIntervalMs);
  timer.unref();
  // A ping behind the SUBSCRIBEs that ioredis repeats: its answer says that they are in force. Without one, `ready`
  // comes again.
  const onReady = () => void subscriber.ping().then(check, () => undefined);
  subscriber.on('ready', onReady);

  return {
    async watch({ identity, filter }) {
      const { caller } = identity;
      const following = follow(caller);
      const queue = createAsyncQueue<JobEvent>({
        max: MAX_WAITING,
        size: { of: sizeOf, max: MAX_WAITING_BYTES },
        onClose() {
          following.watchers.delete(watcher);
          unfollow(following);
        },
      });
      const watcher: Watcher = { identity, filter, since: null, held: [], queue };
      following.watchers.add(watcher);
      try {
        // Asked at once: a list that is asked for behind this, on this connection, and the events leave no gap between
        // them.
        const newest = newestChange(redis, keys, caller);
        const [since] = await Promise.all([newest, within(SUBSCRIBE_TIMEOUT_MS, following.subscribed)]);
        following.place ??= since;
        watcher.since = since;
        for (const each of watcher.held.splice(0)) give(watcher, each);
        // What happened before the subscription was in force.
        await following.read();
        return queue.iterator;
      } catch (error) {
        void queue.iterator.return?.();
        if (isRedisDown(error)) throw unavailable(whyRedisFails(error), 2, error);
        throw error;
      }
    },

    stats() {
      let watchers = 0;
      for (const following of followed.values()) watchers += following.watchers.size;
      return { watchers, callers: followed.size };
    },

    async close() {
      clearInterval(timer);
      subscriber.off('ready', onReady);
      subscriber.off('message', onMessage);
      for (const { watchers } of followed.values()) for (const { queue } of [...watchers]) queue.end();
    },
  };
}
