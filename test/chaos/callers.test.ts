import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { beforeAll, describe, expect, it } from 'vitest';
import { readLimits } from '../../src/job-record/redis/plan-use.ts';
import { callerCounts, disagreements } from '../support/caller-counts.ts';
import { disposals } from '../support/disposals.ts';
import { createGatewayClient, type Watching } from '../support/gateway-client.ts';
import { writeRow } from '../support/ledger.ts';
import { testLimits } from '../support/limits.ts';
import { findMinio } from '../support/minio.ts';
import { tempFolder } from '../support/process.ts';
import { type Caller, newCaller } from './callers.ts';
import { type Fault, faults } from './faults.ts';
import { type Installation, openInstallation } from './installation.ts';
import { checkInvariants } from './invariants.ts';

const full = process.env.CHAOS_FULL === 'true';
const outageMs = full ? 60_000 : 2_000;
/** Longer than a worker's lock, so that its jobs are taken over or its locks taken again. */
const silenceMs = Math.max(outageMs, 12_000);
const DAY_SECONDS = 86_400;
/** More than anybody uses here, however slow this machine is. */
const gpuSecondsPerDay = 2_000;
const plans = {
  bulk: { weight: 1, jobsPerDay: 32, queued: 20, running: null, gpuSecondsPerDay },
  team: { weight: 2, jobsPerDay: 6, queued: null, running: 2, gpuSecondsPerDay },
  single: { weight: 4, jobsPerDay: 5, queued: null, running: null, gpuSecondsPerDay },
};
type Plan = (typeof plans)[keyof typeof plans];
/** Of two workers, each at two servers to a depth of two. */
const SLOTS = 8;
const ANSWERED_WITHIN_MS = 3_000 + 1_000;
/** Of sums of milliseconds, and of a clock that is read a little later. */
const INEXACT_SECONDS = 0.01;

describe.skipIf(findMinio() === null)('callers with keys, limits and fair share', { timeout: 300_000 }, () => {
  const lifetime = disposals();
  let installation: Installation;
  let observer: Redis;
  beforeAll(async () => {
    const folder = await tempFolder();
    lifetime.onTestFinished(folder.remove);
    const file = join(folder.path, 'plans.json');
    await writeFile(file, JSON.stringify(plans));
    installation = await openInstallation(lifetime, { AUTH: 'keys', PLANS_FILE: file });
    installation.callers.clear();
    observer = new Redis(installation.product.redis.url, { maxRetriesPerRequest: null });
    observer.on('error', () => undefined);
    lifetime.onTestFinished(async () => observer.disconnect());
  }, 120_000);

  /** By the names of their callers. */
  const known = new Map<string, Plan>();
  const planOf = (caller: string) => known.get(caller) ?? expect.fail(`${caller} is nobody's name`);
  const counts = () => callerCounts(observer, installation.product.keys);
  const countsOf = async ({ name }: Caller) => (await counts()).callers[name];

  async function arrive(plan: keyof typeof plans, name?: string) {
    const caller = await newCaller(installation, plan, name);
    known.set(caller.name, plans[plan]);
    return caller;
  }

  function hold(on: boolean) {
    for (const { faults: simulated } of installation.product.simulators) simulated.set({ hold: on });
  }

  /** Looks all the time whether counts agree and limits hold. */
  function watchCounts() {
    const wrong = new Set<string>();
    let looks = 0;
    let stopped = false;
    async function look() {
      const now = await counts();
      looks++;
      for (const each of disagreements(now)) wrong.add(each);
      for (const [name, { running, taken, open }] of Object.entries(now.callers)) {
        const most = planOf(name);
        if (running + taken > (most.running ?? SLOTS)) wrong.add(`${name}: ${running} run, ${taken} are about to`);
        if (open.new > (most.queued ?? most.jobsPerDay)) wrong.add(`${name}: ${open.new} wait`);
      }
    }
    const looking = (async () => {
      for (; !stopped; await sleep(20)) await look();
    })();
    // Told by `stop`.
    looking.catch(() => undefined);
    return {
      async stop() {
        stopped = true;
        await looking;
        expect([...wrong]).toEqual([]);
        expect(looks).toBeGreaterThan(10);
      },
    };
  }

  /** Each got what its plan allows and not one more, and what it used of it is what its jobs took. */
  async function expectLimitsKept(callers: readonly Caller[]) {
    const { admin, keys } = installation.product;
    for (const { name, entries, refused } of callers) {
      const plan = planOf(name);
      expect(entries).toHaveLength(plan.jobsPerDay);
      expect(Object.keys(refused)).toEqual(['jobsPerDay']);
      const ids = entries.flatMap((entry) => [...entry.ids]);
      const records = await Promise.all(ids.map((id) => admin.hmget(keys.job(id), 'gpuUsedMs', 'createdAt')));
      const usedSeconds = records.reduce((sum, [used]) => sum + Number(used) / 1_000, 0);
      const limits = await readLimits(admin, keys, name, testLimits(plan));
      const left = Object.fromEntries(limits.map((limit) => [limit.name, limit.remaining]));
      const [seconds, micros] = await admin.time();
      const since = Math.min(...records.map(([, createdAt]) => Number(createdAt) / 1_000));
      const drained = ((Number(seconds) + Number(micros) / 1e6 - since) * gpuSecondsPerDay) / DAY_SECONDS;
      const counted = gpuSecondsPerDay - (left.gpuSecondsPerDay ?? 0);
      expect(counted).toBeLessThan(usedSeconds + INEXACT_SECONDS);
      expect(counted).toBeGreaterThan(usedSeconds - drained - INEXACT_SECONDS);
      expect(left).toMatchObject({ jobsPerDay: 0, ...(plan.queued !== null && { queued: plan.queued }) });
    }
  }

  /**
   * Nobody starves: while a job waits, no more of the backlog start than fit into the time that its caller is charged
   * for its jobs up to this one, besides those of each server that comes free at once. Charges are estimates, which
   * differ while times are learned from jobs that were held.
   */
  async function expectTurns(caller: Caller, backlog: Caller) {
    const { admin, keys } = installation.product;
    const read = (of: Caller) =>
      Promise.all(
        of.entries.map(async ({ ids: [id = ''] }) => {
          const fields = await admin.hmget(keys.job(id), 'createdAt', 'startedAt', 'gpuMs');
          const [createdAt = 0, startedAt = 0, gpuMs = 0] = fields.map(Number);
          return { createdAt, startedAt, charge: gpuMs / planOf(of.name).weight };
        }),
      );
    const [own, others] = await Promise.all([read(caller), read(backlog)]);
    const least = Math.min(...others.map(({ charge }) => charge));
    for (const job of own) {
      const between = others.filter(({ startedAt }) => startedAt > job.createdAt && startedAt < job.startedAt).length;
      const before = own.filter(({ startedAt }) => startedAt <= job.startedAt);
      const charged = before.reduce((sum, { charge }) => sum + charge, 0);
      expect(between).toBeLessThanOrEqual(SLOTS + Math.ceil(charged / least));
    }
  }

  async function expectAllWell(scenario: string, callers: readonly Caller[], mendedAt: number | null) {
    await Promise.all(callers.map((caller) => caller.leave()));
    const entries = callers.flatMap((caller) => caller.entries);
    const tally = await checkInvariants(installation, { entries });
    const unavailableMs = Math.max(...callers.map(({ slowestRefusalMs }) => slowestRefusalMs));
    const ends = callers.flatMap((caller) => caller.ends).sort((a, b) => a - b);
    const next = ends.find((at) => mendedAt !== null && at > mendedAt);
    const recoveryMs = mendedAt === null || next === undefined ? null : next - mendedAt;
    writeRow({ scenario, ...tally, recoveryMs, unavailableMs: unavailableMs || null });
    expect(tally.failed).toEqual([]);
    expect(tally.repeatedPrompts).toBe(0);
    expect(unavailableMs).toBeLessThan(ANSWERED_WITHIN_MS);
    // I7 at the end: there is nothing open, so nothing is reserved, queued or counted as running.
    expect(await counts()).toEqual({ callers: {}, waiting: 0, queued: 0 });
    await expectLimitsKept(callers);
  }

  /** Three callers, of whom one has filled its queue and every server, ask for more than they may while it strikes. */
  async function strike(scenario: string, breaks: readonly [fault: Fault | undefined, ms: number][]) {
    const [bulk, team, single] = await Promise.all([arrive('bulk'), arrive('team'), arrive('single')]);
    const looks = watchCounts();
    hold(true);
    const asked = [bulk.ask(36)];
    await expect.poll(() => countsOf(bulk), { timeout: 60_000 }).toMatchObject({ running: SLOTS, queued: 20 });
    await Promise.all([team.ask(4), single.ask(3)]);
    // I7 in the middle: nobody is served, and whatever else is asked for is refused.
    await expect
      .poll(async () => (await counts()).callers, { timeout: 60_000 })
      .toMatchObject({
        [bulk.name]: { running: SLOTS, queued: 20, taken: 0, open: { queued: 20 } },
        [team.name]: { running: 0, queued: 4, taken: 0, open: { queued: 4 } },
        [single.name]: { running: 0, queued: 3, taken: 0, open: { queued: 3 } },
      });

    asked.push(team.ask(4), single.ask(4));
    // What was begun ends in the middle of it.
    const released = sleep((breaks[0]?.[1] ?? 0) / 2).then(() => hold(false));
    for (const [fault, ms] of breaks) await fault?.(installation, 0, ms);
    const mendedAt = performance.now();
    await Promise.all([released, ...asked]);
    await Promise.all([bulk, team, single].map((caller) => caller.ended()));
    await looks.stop();

    await expectTurns(single, bulk);
    await expectAllWell(scenario, [bulk, team, single], mendedAt);
  }

  const scenarios: [scenario: string, ...names: string[]][] = [
    [
      'C02 with callers: Redis refuses, is silent and loses replies',
      'C02 Redis refuses everybody',
      'C02 Redis hears and answers nothing',
      'C02 Redis does it and its reply is lost',
    ],
    ['C04 with callers: Redis is out of memory', 'C04 Redis is out of memory'],
    ['C10 with callers: Redis is killed', 'C10 Redis is killed'],
    ['C11 with callers: Redis drops its connections', 'C11 Redis drops its connections'],
    ['C12 with callers: Redis stops answering for longer than a lock', 'C12 Redis stops answering'],
  ];

  it.for(scenarios)(
    '%s: limits hold exactly, nothing stays reserved, and nobody starves',
    async ([scenario, ...of]) => {
      const ms = scenario.startsWith('C12') ? silenceMs : outageMs;
      await strike(
        scenario,
        of.map((name) => [faults[name], ms]),
      );
    },
  );

  it('C13 with callers: Redis is emptied: keys and counts are gone as well, and all begins anew', async () => {
    const { addresses, product, jobs } = installation;
    const [bulk, single] = await Promise.all([arrive('bulk'), arrive('single')]);
    const clients = [bulk, single].map(({ apiKey }) => createGatewayClient(addresses[0], product.texts, { apiKey }));
    hold(true);
    const watchers: Watching[] = [];
    for (const client of clients) {
      const made = await Promise.all(Array.from({ length: 5 }, () => client.generate()));
      watchers.push(...made.map(({ id }) => client.watch(id, { once: true })));
    }
    await expect.poll(async () => (await counts()).waiting, { timeout: 60_000 }).toBe(2 * 5 - SLOTS);
    await Promise.all(watchers.map((watcher) => watcher.until(({ type }) => type === 'SNAPSHOT')));
    await product.admin.flushall();
    jobs.clear();
    for (const end of await Promise.allSettled(watchers.map((watcher) => watcher.end(20_000)))) {
      // Of the job that is gone, or of the key.
      expect(end).toMatchObject({ reason: { message: expect.stringMatching(/NOT_FOUND|watching ended/) } });
    }
    const unknown = async () => (await clients[0]?.post('{ viewer { id } }'))?.errors[0]?.extensions.code;
    await expect.poll(unknown, { timeout: 10_000 }).toBe('UNAUTHENTICATED');
    expect(await counts()).toEqual({ callers: {}, waiting: 0, queued: 0 });

    // Their operator gives them keys. What workers still have in hand of before counts for nobody.
    const again = await Promise.all([arrive('bulk', bulk.name), arrive('single', single.name)]);
    const looks = watchCounts();
    const asked = [again[0].ask(36), again[1].ask(7)];
    await expect.poll(() => again[1].entries.length, { timeout: 60_000 }).toBe(5);
    hold(false);
    await Promise.all(asked);
    await Promise.all(again.map((caller) => caller.ended()));
    await looks.stop();
    await Promise.all(clients.map((client) => client.close()));
    await expectAllWell('C13 with callers: Redis is emptied', again, null);
  });
});
