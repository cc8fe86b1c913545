import { DelayedError, Job, Queue, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import type { Loops } from '../../observability/loops.ts';
import type { Keys } from '../../redis/keys.ts';
import { results } from '../../redis/pipeline.ts';
import { loadScript } from '../../redis/scripts.ts';
import type { DeliveryHandler, JobConsumer, JobQueue } from '../queue.ts';

const QUEUE = 'tickets';
/** The queue of the versions before, in which each job had a delivery of its own. */
const QUEUE_BEFORE = 'jobs';
/** BullMQ's, smaller first: what has had its turn comes before what has not. Without one it would come before all. */
const PRIORITY = 2;
/**
 * A worker that has not renewed its lock for so long is taken for dead, which is looked for every STALLED_INTERVAL_MS:
 * 13 s together.
 */
const LOCK_MS = 10_000;
const STALLED_INTERVAL_MS = 3_000;
/** After an error of the connection; the default is 15 s. */
const RETRY_MS = 1_000;
/** How many crashes a job survives is the record's to count, not BullMQ's. */
const NEVER = 2 ** 31 - 1;

/**
 * BullMQ dates what is put back by the clock of the worker that does it, and looks for what is due by that of any
 * other.
 */
const OVERDUE_MS = 10_000;
/** Longer than any delay that is meant. */
const TOO_FAR_MS = 3_600_000;
/** Its scores are milliseconds and 12 bits of order within one. */
const SCORE_PER_MS = 0x1000;
const MISDATED_BATCH = 100;
const ADOPTED_AT_ONCE = 16;
/** What `promote` says of a delivery that has gone its way meanwhile. */
const NOT_DELAYED = /is not in the delayed state|Missing key/;

/** The gateway's side. `redis` is a request connection that is ready. */
export function createBullQueue(redis: Redis, keys: Keys, log: Logger): JobQueue {
  // BullMQ asks for Redis's version just once: if that failed, since Redis was slow at our start, every later call
  // would too.
  const queue = new Queue(QUEUE, { connection: redis, prefix: keys.queue, skipVersionCheck: true });
  // Each call's own rejection says it to whom it concerns; BullMQ only repeats it here.
  queue.on('error', (error) => log.debug({ error: error.message }, 'queue connection error'));
  async function missingIn(name: string, ids: string[]): Promise<string[]> {
    const pipeline = redis.pipeline();
    for (const id of ids) pipeline.exists(`${keys.queue}:${name}:${id}`);
    const held = await results(pipeline);
    return ids.filter((_, i) => held[i] === 0);
  }

  return {
    async add(ticket) {
      const options = { jobId: ticket, priority: PRIORITY, removeOnComplete: true, removeOnFail: true };
      await queue.add('job', null, options);
    },

    missing: (tickets) => missingIn(QUEUE, tickets),

    missingBefore: (jobIds) => missingIn(QUEUE_BEFORE, jobIds),

    async promoteMisdated(now) {
      const limit = ['LIMIT', 0, MISDATED_BATCH] as const;
      const delayed = `${keys.queue}:${QUEUE}:delayed`;
      const overdue = (now - OVERDUE_MS) * SCORE_PER_MS;
      const tooFar = (now + TOO_FAR_MS) * SCORE_PER_MS;
      const [late, early] = await Promise.all([
        redis.zrange(delayed, '-inf', overdue, 'BYSCORE', ...limit),
        redis.zrange(delayed, tooFar, '+inf', 'BYSCORE', ...limit),
      ]);
      const promoted: string[] = [];
      for (const id of [...late, ...early]) {
        const delivery = await Job.fromId(queue, id);
        try {
          await delivery?.promote();
          promoted.push(id);
        } catch (error) {
          if (!(error instanceof Error) || !NOT_DELAYED.test(error.message)) throw error;
        }
      }
      return promoted;
    },

    async remove(ticket) {
      await queue.remove(ticket);
    },

    close: () => queue.close(),
  };
}

export interface ConsumerLoops {
  loops: Pick<Loops, 'add'>;
  /** Whether Redis answers: without it nothing can be taken or renewed. */
  redisAnswers: () => boolean;
}

/** Says each time that it looks into the queue, which it does every ten seconds at least while it has room. */
class TurningWorker extends Worker<null> {
  onTurn = () => {};

  protected override moveToActive(...args: Parameters<Worker<null>['moveToActive']>) {
    this.onTurn();
    return super.moveToActive(...args);
  }
}

/** The worker's side. `redis` is a durable connection; BullMQ makes a second one of it to wait on. */
export function createBullConsumer(
  redis: Redis,
  keys: Keys,
  handle: DeliveryHandler,
  log: Logger,
  watched?: ConsumerLoops,
): JobConsumer {
  const retakeLock = loadScript(new URL('./retake-lock.lua', import.meta.url));
  const running = new Map<string, { control: AbortController; since: number; token: string }>();

  const worker = new TurningWorker(
    QUEUE,
    async (delivery, token = '') => {
      const ticket = delivery.id ?? '';
      const control = new AbortController();
      running.set(ticket, { control, since: performance.now(), token });
      worker.onTurn();
      try {
        const result = await handle(ticket, control.signal);
        if (result.done) return;
        await comesFirst(delivery);
        await delivery.moveToDelayed(Date.now() + Math.max(1, result.delayMs), token);
      } finally {
        if (running.get(ticket)?.control === control) running.delete(ticket);
      }
      throw new DelayedError();
    },
    {
      connection: redis,
      prefix: keys.queue,
      autorun: false,
      lockDuration: LOCK_MS,
      stalledInterval: STALLED_INTERVAL_MS,
      maxStalledCount: NEVER,
      runRetryDelay: RETRY_MS,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 0 },
    },
  );
  worker.on('error', (error) => log.debug({ error: error.message }, 'queue worker error'));
  worker.on('failed', (delivery, error) => log.error({ ticket: delivery?.id, err: error }, 'delivery failed'));
  worker.on('lockRenewalFailed', (tickets) => {
    for (const ticket of tickets) {
      // Asked again with the next renewal.
      keepOn(ticket).catch((error: Error) => log.debug({ ticket, error: error.message }, 'lock not taken again'));
    }
  });

  /** A lock that only ran out is taken again, so that what is under way goes on: nobody else has begun it. */
  async function keepOn(ticket: string) {
    const held = running.get(ticket);
    if (!held) return;
    const lock = [worker.toKey('active'), `${worker.toKey(ticket)}:lock`, worker.toKey('stalled')];
    if ((await retakeLock(redis, lock, [ticket, held.token, LOCK_MS])) === 1) log.info({ ticket }, 'lock taken again');
    else held.control.abort(new Error('the lock of this delivery was lost'));
  }

  let capacity = 0;
  let closing = false;
  if (watched) {
    const { loops, redisAnswers } = watched;
    const hasRoom = () => capacity > 0 && running.size < capacity && !closing;
    worker.onTurn = loops.add('taking jobs', () => redisAnswers() && hasRoom());
    // Jobs that are shorter than a lock need no renewal.
    const hasLong = () => [...running.values()].some(({ since }) => performance.now() - since > LOCK_MS);
    const onRenewal = loops.add('renewing locks', () => redisAnswers() && hasLong() && !closing);
    worker.on('locksRenewed', onRenewal);
    worker.on('lockRenewalFailed', onRenewal);
  }
  return {
    setCapacity(slots) {
      if (slots === capacity) return;
      const before = capacity;
      capacity = slots;
      if (slots > 0) worker.concurrency = slots;
      // For more of them too: while all are taken, its loop looks at their number only when it is resumed.
      if (before > 0 && (slots === 0 || slots > before)) void worker.pause(true);
      if (slots > before) void worker.resume();
    },
    promote(ticket) {
      const promote = async () => {
        const delivery = await Job.fromId(worker, ticket);
        if (await delivery?.isDelayed()) await delivery?.promote();
      };
      promote().catch((error: Error) => log.debug({ ticket, error: error.message }, 'delivery not promoted'));
    },
    close() {
      closing = true;
      return worker.close();
    },
  };
}

/** What has had its turn comes before what has not: BullMQ would put it behind all that wait. */
async function comesFirst(delivery: Job): Promise<void> {
  if (Number(delivery.priority) === PRIORITY) await delivery.changePriority({ priority: PRIORITY - 1 });
}

/**
 * Takes what gateways of the versions before deliver, and what their workers have left: `adopt` gives the job a turn
 * among the others.
 */
export function drainQueueBefore(
  redis: Redis,
  keys: Keys,
  adopt: (jobId: string) => Promise<void>,
  log: Logger,
): { close(): Promise<void> } {
  const worker = new Worker<null>(QUEUE_BEFORE, async ({ id = '' }) => adopt(id), {
    connection: redis,
    prefix: keys.queue,
    concurrency: ADOPTED_AT_ONCE,
    lockDuration: LOCK_MS,
    stalledInterval: STALLED_INTERVAL_MS,
    maxStalledCount: NEVER,
    runRetryDelay: RETRY_MS,
    removeOnComplete: { count: 0 },
    // The sweeper finds a job that was not adopted.
    removeOnFail: { count: 0 },
  });
  worker.on('error', (error) => log.debug({ error: error.message }, 'queue worker error'));
  return { close: () => worker.close() };
}
