import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type Command, Redis, type RedisOptions } from 'ioredis';
import type { Logger } from 'pino';
import { afterRunning } from '../async/timeout.ts';
import { parseRedisAddress } from '../config/redis-address.ts';
import { groupOptions } from './group-options.ts';
import { isRedisDown } from './is-down.ts';
import { createReconnects } from './reconnects.ts';

/**
 * What a connection is for:
 * - `request`: someone waits for the answer. Fails at once while Redis is away, and after COMMAND_TIMEOUT_MS when it
 *   does not answer.
 * - `durable`: a worker's. Waits for as long as Redis is away, then goes on where it was.
 * - `subscriber`: pub/sub; subscribes again by itself after each reconnect.
 */
export type ConnectionRole = 'request' | 'durable' | 'subscriber';

/** An outage is told within 3 s: see `RedisClient` for why several commands in a row take no longer than one. */
const COMMAND_TIMEOUT_MS = 1_250;

/**
 * A socket that has had a request outstanding for so long is dead: cut it, reconnect, resend. Above BullMQ's blocking
 * wait.
 */
const SOCKET_TIMEOUT_MS = 15_000;

const roles: Record<ConnectionRole, RedisOptions> = {
  request: { enableOfflineQueue: false, maxRetriesPerRequest: 0 },
  durable: { maxRetriesPerRequest: null, socketTimeout: SOCKET_TIMEOUT_MS },
  subscriber: { maxRetriesPerRequest: null },
};

/** Called with each command that was answered or has failed, and how long that took. */
export type OnRedisCall = (command: string, seconds: number) => void;

export interface ConnectOptions {
  /** See config/redis.ts. */
  url: string;
  role: ConnectionRole;
  log: Logger;
  /** REDIS_PREFIX; default `comfygate`. In a Cluster it says which node holds our keys. */
  prefix?: string;
  onCall?: OnRedisCall | undefined;
}

const UNSUBSCRIBES = new Set(['unsubscribe', 'punsubscribe']);
const OF_SUBSCRIPTIONS = new Set(['subscribe', 'psubscribe', ...UNSUBSCRIBES]);

/**
 * A connection of ioredis that reports how long its commands take, and rejects those that Redis does not answer in
 * time. Until the first of those is answered after all, or the connection ends, others are rejected at once: Redis
 * answers in the order in which it was asked, so a call that asks it several times is told of an outage as soon as one
 * that asks it once. Duplicates are not timed: BullMQ makes one to wait on, and what waits there says nothing of Redis.
 */
class RedisClient extends Redis {
  onCall: OnRedisCall | undefined;
  /** Milliseconds; undefined: for as long as it takes. */
  answerWithinMs: number | undefined;
  /** Given up, and not answered yet. */
  #overdue: Command | null = null;
  readonly #timed = new WeakSet<Command>();
  #becomesReady: Promise<void> | null = null;

  override sendCommand(...args: Parameters<Redis['sendCommand']>): unknown {
    const [command] = args;
    const { onCall, answerWithinMs } = this;
    // A connection that has ended has no subscriptions left, and graphql-redis-subscriptions drops the promise of
    // UNSUBSCRIBE: cut short, it would be an unhandled rejection and end the process.
    if (UNSUBSCRIBES.has(command.name)) command.promise.catch(() => undefined);
    // ioredis would subscribe ahead of its own first question, which a connection that subscribes may not ask, and give
    // the connection up for that. It would unsubscribe ahead of subscribing again, and so subscribe for good.
    if (this.status === 'connect' && OF_SUBSCRIPTIONS.has(command.name)) {
      this.#becomesReady ??= whenReady(this).finally(() => {
        this.#becomesReady = null;
      });
      // Gives nothing back: a promise that nobody catches would be a second one to reject, and end the process.
      this.#becomesReady.then(
        () => {
          super.sendCommand(...args);
        },
        (error: Error) => command.reject(error),
      );
      return command.promise;
    }
    // It comes here again when it is sent again, behind a reconnect.
    if ((onCall || answerWithinMs !== undefined) && !this.#timed.has(command)) {
      this.#timed.add(command);
      const began = performance.now();
      const giveUp = () => this.#giveUp(command);
      const callOff = answerWithinMs === undefined ? undefined : afterRunning(answerWithinMs, giveUp);
      const settled = () => {
        callOff?.();
        onCall?.(command.name, (performance.now() - began) / 1000);
      };
      command.promise.then(settled, settled);
      if (this.#overdue) {
        command.reject(timedOut());
        return command.promise;
      }
    }
    writeTogether(this.stream);
    return super.sendCommand(...args);
  }

  #giveUp(command: Command) {
    const { reject } = command;
    if (!this.#overdue) {
      this.#overdue = command;
      const settled = () => {
        if (this.#overdue === command) this.#overdue = null;
        return command.promise;
      };
      // What ioredis calls with the answer, and when the connection ends.
      command.resolve = settled;
      command.reject = settled;
    }
    reject(timedOut());
  }
}

/**
 * Commands of one turn of the event loop, such as those of many callers, are written together: to call the system costs
 * more than all else of a command, and what Redis reads together it syncs in one go.
 */
function writeTogether(stream: Socket | undefined) {
  if (!stream || stream.writableCorked > 0) return;
  stream.cork();
  setImmediate(() => stream.uncork());
}

// The text of ioredis's own, by which `isRedisDown` recognises it.
const timedOut = () => new Error('Command timed out');

/** Opens a connection that reconnects for ever; a connection that is refused at first is waited for. */
export function connectRedis({ url, role, log, prefix = 'comfygate', onCall }: ConnectOptions): Redis {
  const options: RedisOptions = {
    ...roles[role],
    connectTimeout: 2_000,
    keepAlive: 10_000,
    retryStrategy: (times) => Math.min(50 * 2 ** Math.min(times, 5), 1_000),
    reconnectOnError: createReconnects(role === 'durable'),
  };
  const address = parseRedisAddress(url);
  // Not quoted: it may hold a password.
  if (!address) throw new Error('the address of Redis is none: see REDIS_URL in `comfygate config`');
  const redis =
    address.kind === 'single'
      ? new RedisClient(url, options)
      : new RedisClient({ ...options, ...groupOptions(address, prefix, options) });
  redis.onCall = onCall;
  // Not ioredis's commandTimeout, which counts time in which we ourselves stood still.
  if (role === 'request') redis.answerWithinMs = COMMAND_TIMEOUT_MS;
  let down = false;
  // One line when it goes and one when it is back: ioredis says `error` at each try.
  redis.on('error', (error: Error) => {
    if (down) return;
    down = true;
    log.warn({ role, error: error.message }, 'redis connection lost');
  });
  redis.on('ready', () => {
    if (down) log.info({ role }, 'redis connection back');
    down = false;
  });
  return redis;
}

/** Resolves when the connection is ready; rejects when it was closed for good or the signal is aborted. */
export async function whenReady(redis: Redis, signal?: AbortSignal): Promise<void> {
  if (redis.status === 'ready') return;
  await new Promise<void>((resolve, reject) => {
    const settle = (outcome: () => void) => {
      redis.off('ready', onReady);
      redis.off('end', onEnd);
      signal?.removeEventListener('abort', onAbort);
      outcome();
    };
    const onReady = () => settle(resolve);
    const onEnd = () => settle(() => reject(new Error('redis connection closed')));
    const onAbort = () => settle(() => reject(signal?.reason));
    redis.on('ready', onReady);
    redis.on('end', onEnd);
    signal?.addEventListener('abort', onAbort);
  });
}

const RETRY_MS = 250;

/**
 * For a start, where nobody waits for an answer yet: calls until Redis answers, since a `request` connection fails when
 * it is slow. Rejects with what is no matter of the connection, and when that was closed for good.
 */
export async function untilAnswered<T>(redis: Redis, log: Logger, call: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    await whenReady(redis);
    try {
      return await call();
    } catch (error) {
      if (!isRedisDown(error) || redis.status === 'end') throw error;
      if (tries === 0) log.warn({ err: error }, 'redis does not answer yet');
      await delay(RETRY_MS);
    }
  }
}

/** Whether Redis says something within `timeoutMs`. */
export type Ping = (timeoutMs: number) => Promise<boolean>;

/** One question is out at a time, however many wait for its answer: while Redis is silent none pile up. */
export function createPing(redis: Redis): Ping {
  let asked: Promise<boolean> | null = null;
  return async (timeoutMs) => {
    if (redis.status !== 'ready') return false;
    asked ??= redis
      .ping()
      .then(
        () => true,
        () => false,
      )
      .finally(() => {
        asked = null;
      });
    const late = Promise.withResolvers<boolean>();
    const callOff = afterRunning(timeoutMs, () => late.resolve(false));
    const answered = await Promise.race([asked, late.promise]);
    callOff();
    return answered;
  };
}

/** Ends a connection: politely while Redis answers within a second, otherwise at once. */
export async function closeRedis(redis: Redis): Promise<void> {
  if (redis.status === 'end') return;
  if (redis.status === 'ready') {
    const polite = await Promise.race([
      redis.quit().then(
        () => true,
        () => false,
      ),
      new Promise<boolean>((resolve) => setTimeout(resolve, 1_000, false).unref()),
    ]);
    if (polite) return;
  }
  redis.disconnect();
}
