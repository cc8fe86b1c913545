import { v7 } from 'uuid';
import type { NodeTiming, Priority } from '../../../src/core/job.ts';
import type { AddTicket } from '../../../src/job-record/redis/fair.ts';
import { createRedisSweeperStore } from '../../../src/job-record/redis/redis-sweeper-store.ts';
import { createRedisWorkerStore } from '../../../src/job-record/redis/redis-worker-store.ts';
import { createTransition } from '../../../src/job-record/redis/transition.ts';
import { newJob, openStores } from '../../support/gateway-store.ts';

const DAY_MS = 86_400_000;

/** What an estimate says of a job; `weight` is its caller's. */
export interface Estimate {
  gpuMs?: number;
  weight?: number;
  priority?: Priority;
}

/** The stores, with a set in the place of the queue: the tickets that it would hold. */
export async function openFairShare(url: string) {
  const stores = await openStores(url);
  const { redis, keys, gateway } = stores;
  const tickets = new Set<string>();
  const addTicket: AddTicket = async (ticket) => void tickets.add(ticket);
  const worker = createRedisWorkerStore(redis, keys, DAY_MS, addTicket);
  const sweeper = createRedisSweeperStore(redis, keys, DAY_MS, addTicket);
  const transition = createTransition(redis, keys, DAY_MS, addTicket);
  const fair = (part: string) => `${keys.tag}fair:${part}`;

  return {
    ...stores,
    tickets,
    worker,
    sweeper,
    fair,
    async accept(caller: string, { gpuMs, weight, priority = 'NORMAL' }: Estimate = {}) {
      const id = v7();
      const estimate = { ...(gpuMs === undefined ? {} : { gpuMs }), ...(weight === undefined ? {} : { weight }) };
      const accepted = await gateway.accept(newJob({ id, caller, priority, ...estimate }));
      if (accepted.outcome !== 'created') throw new Error(accepted.outcome);
      if (accepted.ticket !== null) tickets.add(accepted.ticket);
      return id;
    },
    /** A ticket is delivered to a worker. */
    async pick(ticket: string | undefined) {
      if (ticket === undefined) throw new Error('the queue holds no ticket');
      const picked = await worker.pick(ticket);
      if (!picked) tickets.delete(ticket);
      return picked?.job ?? null;
    },
    claim: async (id: string) => {
      const claimed = await worker.claim(id);
      if (claimed.outcome !== 'claimed') throw new Error(claimed.outcome);
      return claimed.job.lease;
    },
    /** Ends a job that is claimed, of which the worker has measured `ms`. */
    async end(id: string, lease: number, ms: number) {
      const timings: NodeTiming[] = [{ nodeId: '1', classType: 'KSampler', ms, cached: false }];
      const progress = { fraction: 1, nodesDone: 1, nodesTotal: 1, node: null };
      return worker.move(id, lease, { move: 'succeed', artifacts: [], progress, timings });
    },
    expire: (id: string) => transition({ id, move: 'expire' }),
    /** As the sweeper does it, whose grace time is over. */
    async sweep() {
      const open = await sweeper.open(0, 10_000);
      const held = await sweeper.tickets(Number.MAX_SAFE_INTEGER, open);
      for (const ticket of held.tickets) tickets.add(ticket);
      return held;
    },
    /** Microseconds. */
    async tagOf(caller: string) {
      return Number(await redis.hget(fair(`caller:${caller}`), 'tag'));
    },
    /** What every job of a caller is charged for now. */
    async chargedOf(ids: readonly string[]) {
      const charged = await Promise.all(ids.map((id) => redis.hget(keys.job(id), 'charged')));
      return charged.reduce((sum, each) => sum + Number(each), 0);
    },
  };
}

export type FairShare = Awaited<ReturnType<typeof openFairShare>>;
