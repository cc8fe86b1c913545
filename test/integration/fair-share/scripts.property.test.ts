import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { isTerminal, type Priority } from '../../../src/core/job.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';
import { type FairShare, openFairShare } from './fair-share.ts';

let server: TestRedis;
beforeAll(async () => {
  server = await startTestRedis();
});
afterAll(() => server.close());

const CALLERS = [
  { name: 'a', weight: 1, running: null },
  { name: 'b', weight: 2, running: 2 },
  { name: 'c', weight: 4, running: null },
  { name: 'd', weight: 1, running: 1 },
] as const;
const ranks: Record<Priority, number> = { HIGH: 1, NORMAL: 2, LOW: 3 };

/** A number chooses among those that there are: jobs, or tickets that the queue holds and no worker has. */
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('accept' as const), which: fc.nat(), gpuMs: fc.nat(60_000) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'pick',
        'claim',
        'end',
        'end',
        'park',
        'putBack',
        'cancel',
        'expire',
        'crash',
        'lose',
        'sweep',
      ),
      which: fc.nat(),
      gpuMs: fc.nat(60_000),
    }),
  },
);

interface ModelJob {
  id: string;
  caller: number;
  charge: number;
  rank: number;
  state: 'waits' | 'taken' | 'parked' | 'running' | 'ended';
  ticket: string | null;
  lease: number;
}

/** Start-time fair queuing, as docs/fair-share.md describes it, with everything in lists. */
function createModel() {
  const jobs: ModelJob[] = [];
  const tags = CALLERS.map(() => 0);
  let ready = new Set<number>();
  let clock = 0;
  const waiting = (caller: number) =>
    jobs.filter((job) => job.caller === caller && job.state === 'waits').sort((a, b) => a.rank - b.rank);
  const counted = (caller: number) =>
    jobs.filter((job) => job.caller === caller && (job.state === 'taken' || job.state === 'running')).length;
  const unsettled = (caller: number) =>
    jobs
      .filter((job) => job.caller === caller && ['taken', 'parked', 'running'].includes(job.state))
      .reduce((sum, { charge }) => sum + charge, 0);
  const full = (caller: number) => counted(caller) >= (CALLERS[caller]?.running ?? Number.POSITIVE_INFINITY);

  return {
    jobs,
    tags,
    waiting,
    unsettled,
    counted,
    full,
    get ready() {
      return ready;
    },
    settle() {
      const now = new Set<number>();
      for (const caller of CALLERS.keys()) {
        if (waiting(caller).length === 0 || full(caller)) continue;
        if (!ready.has(caller)) tags[caller] = Math.max(tags[caller] ?? 0, clock);
        now.add(caller);
      }
      ready = now;
    },
    next(): ModelJob | null {
      const [caller] = [...ready].sort((a, b) => (tags[a] ?? 0) - (tags[b] ?? 0) || a - b);
      if (caller === undefined) return null;
      clock = Math.max(clock, (tags[caller] ?? 0) - unsettled(caller));
      return waiting(caller)[0] ?? null;
    },
    /** What it is charged now; one that is not in `ready` begins at the clock. */
    charge(caller: number, charge: number) {
      tags[caller] = (ready.has(caller) ? (tags[caller] ?? 0) : Math.max(tags[caller] ?? 0, clock)) + charge;
    },
  };
}

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

async function carryOut(share: FairShare, sequence: Step[]) {
  const model = createModel();
  /** Tickets that a worker has. */
  const held = new Map<string, ModelJob>();
  const choose = <T>(list: T[], which: number): T | undefined => list[which % Math.max(1, list.length)];
  const inState = (...states: ModelJob['state'][]) => model.jobs.filter(({ state }) => states.includes(state));
  let order = 0;

  /** What the scripts give the ticket must be what the model gives it. */
  async function pick(ticket: string) {
    const own = model.jobs.find((job) => job.ticket === ticket && job.state !== 'ended');
    const picked = await share.pick(ticket);
    if (own && own.state === 'parked' && model.full(own.caller)) {
      own.state = 'waits';
      own.ticket = null;
      model.tags[own.caller] = (model.tags[own.caller] ?? 0) - own.charge;
      model.settle();
    } else if (own) {
      expect(picked?.id).toBe(own.id);
      if (own.state === 'parked') own.state = 'taken';
      held.set(ticket, own);
      return model.settle();
    }
    if (picked && isTerminal(picked.status)) return;
    const expected = model.next();
    expect(picked?.id ?? null).toBe(expected?.id ?? null);
    if (!expected) return;
    model.charge(expected.caller, expected.charge);
    expected.state = 'taken';
    expected.ticket = ticket;
    held.set(ticket, expected);
    model.settle();
  }

  function finish(job: ModelJob, usedMs: number) {
    const weight = CALLERS[job.caller]?.weight ?? 1;
    if (job.ticket !== null) {
      model.tags[job.caller] = (model.tags[job.caller] ?? 0) + Math.floor((usedMs * 1000) / weight) - job.charge;
      held.delete(job.ticket);
    }
    job.state = 'ended';
    model.settle();
  }

  for (const { do: what, which, gpuMs } of sequence) {
    if (what === 'accept') {
      const caller = which % CALLERS.length;
      const { name, weight } = CALLERS[caller] ?? CALLERS[0];
      const priority = choose(['HIGH', 'NORMAL', 'LOW'] as const satisfies Priority[], which >> 3) ?? 'LOW';
      const id = await share.accept(name, { gpuMs, weight, priority });
      const charge = Math.max(1, Math.floor((gpuMs * 1000) / weight));
      const rank = ranks[priority] * 1_000_000 + order++;
      model.jobs.push({ id, caller, charge, rank, state: 'waits', ticket: null, lease: 0 });
      model.settle();
    } else if (what === 'pick') {
      const ticket = choose(
        [...share.tickets].filter((each) => !held.has(each)),
        which,
      );
      if (ticket !== undefined) await pick(ticket);
    } else if (what === 'claim') {
      const job = choose(inState('taken'), which);
      if (job) {
        job.lease = await share.claim(job.id);
        job.state = 'running';
      }
    } else if (what === 'end') {
      const job = choose(inState('running'), which);
      if (job) {
        expect(await share.end(job.id, job.lease, gpuMs)).toMatchObject({ outcome: 'done' });
        share.tickets.delete(job.ticket ?? '');
        finish(job, gpuMs);
      }
    } else if (what === 'park' || what === 'putBack') {
      const job = choose(inState(what === 'park' ? 'taken' : 'running'), which);
      if (job) {
        if (what === 'park') await share.worker.park(job.id);
        else await share.worker.move(job.id, job.lease, { move: 'retry', counts: false });
        job.state = 'parked';
        held.delete(job.ticket ?? '');
        model.settle();
      }
    } else if (what === 'cancel') {
      const job = choose(inState('waits', 'taken', 'parked'), which);
      if (job) {
        await share.gateway.requestCancel(job.id);
        finish(job, 0);
      }
    } else if (what === 'expire') {
      const job = choose(inState('waits', 'taken', 'parked'), which);
      if (job) {
        await share.expire(job.id);
        finish(job, 0);
      }
    } else if (what === 'crash') {
      // Its worker is gone, and the ticket is delivered to another.
      const [ticket] = choose([...held], which) ?? [];
      if (ticket !== undefined) await pick(ticket);
    } else if (what === 'lose') {
      const ticket = choose([...share.tickets], which);
      if (ticket !== undefined) share.tickets.delete(ticket);
    } else {
      expect(await share.sweep()).toMatchObject({ strays: [], gone: [] });
    }
    await check(share, model);
  }

  // Whatever was lost on the way, all jobs end once each, and each caller has been charged for what was measured alone.
  await share.sweep();
  for (let turn = 0; turn < 400 && inState('ended').length < model.jobs.length; turn++) {
    for (const job of inState('taken')) {
      job.lease = await share.claim(job.id);
      job.state = 'running';
    }
    for (const job of inState('running')) {
      await share.end(job.id, job.lease, 1_000);
      share.tickets.delete(job.ticket ?? '');
      finish(job, 1_000);
    }
    for (const ticket of [...share.tickets]) await pick(ticket);
  }
  expect(inState('ended')).toHaveLength(model.jobs.length);
  await check(share, model);
  expect(await share.chargedOf(model.jobs.map(({ id }) => id))).toBe(0);
  expect(await share.redis.exists(...['ready', 'second'].map(share.fair))).toBe(0);
}

async function check(share: FairShare, model: ReturnType<typeof createModel>) {
  const { redis, fair, tickets } = share;
  const ready = (await redis.zrange(fair('ready'), 0, -1, 'WITHSCORES')).map((each, i) =>
    i % 2 ? Number(each) : each,
  );
  const expected = [...model.ready].map((caller) => [CALLERS[caller]?.name, model.tags[caller]] as const);
  expected.sort(([a, x = 0], [b, y = 0]) => x - y || ((a ?? '') < (b ?? '') ? -1 : 1));
  expect(ready).toEqual(expected.flat());
  let waiting = 0;
  for (const [caller, { name, running }] of CALLERS.entries()) {
    const listed = await redis.zrange(fair(`jobs:${name}`), 0, -1);
    expect(listed).toEqual(model.waiting(caller).map(({ id }) => id));
    waiting += listed.length;
    const unsettled = Number(await redis.hget(fair(`caller:${name}`), 'unsettled'));
    expect(unsettled).toBe(model.unsettled(caller));
    expect(model.counted(caller)).toBeLessThanOrEqual(running ?? Number.POSITIVE_INFINITY);
  }
  expect(Number(await redis.get(fair('queued')))).toBe(waiting);
  // Where a job may start, a ticket is there, or lost and found by the sweep.
  const spare = await redis.zcard(fair('spare'));
  if (ready.length > 0) expect(spare).toBeGreaterThan(0);
  expect(tickets.size).toBeLessThanOrEqual(model.jobs.length * 8);
}

it('gives each job to one ticket, in the order of start-time fair queuing, whatever crashes and is lost', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 80, size: 'max' }), async (sequence) => {
      const share = await openFairShare(server.url);
      try {
        for (const { name, running } of CALLERS) {
          if (running !== null) await share.redis.hset(`${share.keys.tag}plan:${name}`, 'running', running);
        }
        await carryOut(share, sequence);
      } finally {
        await share.close();
      }
    }),
    { numRuns: 25 },
  );
}, 120_000);
