// Servers in virtual time, on the real scripts: what a job takes of one passes at once.
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { v7 } from 'uuid';
import { createRedisGatewayStore } from '../../src/job-record/redis/redis-gateway-store.ts';
import { createRedisWorkerStore } from '../../src/job-record/redis/redis-worker-store.ts';
import { createKeys } from '../../src/redis/keys.ts';

const DAY_MS = 86_400_000;

/** A queue of its own on this Redis. */
export function openFairQueue(redisUrl: string) {
  const redis = new Redis(redisUrl);
  const keys = createKeys(randomUUID());
  /** Those that the queue holds. */
  const tickets: string[] = [];
  const gateway = createRedisGatewayStore({
    redis,
    keys,
    retentionMs: DAY_MS,
    idempotencyTtlMs: DAY_MS,
    noBackendGraceMs: DAY_MS,
  });
  const worker = createRedisWorkerStore(redis, keys, DAY_MS, async (ticket) => void tickets.push(ticket));

  let removing = Promise.resolve();

  return {
    redis,
    keys,
    tickets,
    gateway,
    worker,
    async accept(caller: string, weight = 1) {
      const id = v7();
      const accepted = await gateway.accept({
        id,
        caller,
        idempotencyKey: id,
        fingerprint: 'bench',
        workflow: 'textToImage',
        template: null,
        parameters: { prompt: 'a lighthouse' },
        nodesTotal: 7,
        priority: 'NORMAL',
        tags: [],
        retryOf: null,
        deadlineMs: DAY_MS,
        traceparent: null,
        requestId: 'bench',
        client: null,
        gpuMs: ESTIMATE_MS,
        weight,
      });
      if (accepted.outcome !== 'created') throw new Error(`not accepted: ${accepted.outcome}`);
      if (accepted.ticket !== null) tickets.push(accepted.ticket);
      return id;
    },
    /** A server comes free: the job that starts there, and the end of it. */
    async start() {
      const ticket = tickets.shift();
      const picked = ticket === undefined ? null : await worker.pick(ticket);
      if (!picked) return null;
      const { job } = picked;
      const claimed = await worker.claim(job.id);
      if (claimed.outcome !== 'claimed') throw new Error(`not claimed: ${claimed.outcome}`);
      const end = async (ms: number) => {
        const progress = { fraction: 1, nodesDone: 1, nodesTotal: 1, node: null };
        const timings = [{ nodeId: '1', classType: 'KSampler', ms, cached: false }];
        await worker.move(job.id, claimed.job.lease, { move: 'succeed', artifacts: [], progress, timings });
        removing = gateway.remove(job.id);
      };
      return { caller: job.caller, id: job.id, end };
    },
    async close() {
      await removing;
      redis.disconnect();
    },
  };
}

/** What each job is estimated to take, however long it is. */
const ESTIMATE_MS = 5_000;
const SHORTEST_MS = 100;
const LONGEST_MS = 60_000;

export interface SimulatedCaller {
  name: string;
  weight: number;
}

/**
 * Each caller has a few jobs in the queue at all times. Gives the milliseconds that each has had of the servers, of
 * which there are `servers`, by the time that so many jobs have started.
 */
export async function simulateServers(
  redisUrl: string,
  { callers, servers, jobs }: { callers: SimulatedCaller[]; servers: number; jobs: number },
): Promise<Map<string, number>> {
  const queue = openFairQueue(redisUrl);
  const weights = new Map(callers.map(({ name, weight }) => [name, weight]));
  const had = new Map(callers.map(({ name }) => [name, 0]));
  const random = mulberry32(7);
  const length = () => Math.round(SHORTEST_MS * (LONGEST_MS / SHORTEST_MS) ** random());
  // More than there are servers: whoever may have all of them has jobs enough.
  for (const { name, weight } of callers) {
    await Promise.all(Array.from({ length: servers + 2 }, () => queue.accept(name, weight)));
  }
  let now = 0;
  const running: { until: number; caller: string; ms: number; end(ms: number): Promise<void> }[] = [];
  for (let started = 0; started < jobs; started++) {
    if (running.length === servers) {
      running.sort((a, b) => b.until - a.until);
      const done = running.pop();
      if (!done) throw new Error('no server');
      now = done.until;
      had.set(done.caller, (had.get(done.caller) ?? 0) + done.ms);
      // A worker waits for neither: it is measured who gets the server.
      await Promise.all([done.end(done.ms), queue.accept(done.caller, weights.get(done.caller))]);
    }
    const begun = await queue.start();
    if (!begun) throw new Error('a server is free, jobs wait, and none starts');
    const ms = length();
    running.push({ until: now + ms, ms, ...begun });
  }
  for (const { caller, until, ms } of running) had.set(caller, (had.get(caller) ?? 0) + ms - (until - now));
  await queue.close();
  return had;
}

/** Numbers from 0 to 1, the same in each run. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
