import { beforeAll, describe, expect, it } from 'vitest';
import { disposals } from '../support/disposals.ts';
import { createGatewayClient } from '../support/gateway-client.ts';
import { writeRow } from '../support/ledger.ts';
import { findMinio } from '../support/minio.ts';
import { type Applications, startApplications } from './applications.ts';
import { faults, namesFor, recoveryOf, repeatsOf } from './faults.ts';
import { type Installation, openInstallation } from './installation.ts';
import { checkInvariants } from './invariants.ts';

const full = process.env.CHAOS_FULL === 'true';
const outageMs = full ? 60_000 : 3_000;
const APPLICATIONS = 8;
/**
 * What a dead worker had in hand is found out by its lock and taken over, and whatever waited behind it is done too.
 */
const SETTLES_WITHIN_MS = 30_000;
/** The promise, and what a client on a machine with more to do than this is late by itself. */
const ANSWERED_WITHIN_MS = 3_000 + 1_000;

describe.skipIf(findMinio() === null)('each fault under load', { timeout: 300_000 }, () => {
  const lifetime = disposals();
  let installation: Installation;
  beforeAll(async () => {
    installation = await openInstallation(lifetime);
  }, 120_000);

  function startLoad(): Applications {
    const { addresses, product } = installation;
    return startApplications({ count: APPLICATIONS, addresses, texts: product.texts, random: Math.random });
  }

  async function expectAllWell(applications: Applications, scenario: string, recoveryMs: number | null) {
    const tally = await checkInvariants(installation, applications);
    const unavailableMs = applications.slowestRefusal();
    writeRow({ scenario: `${scenario}, under load`, ...tally, recoveryMs, unavailableMs: unavailableMs || null });
    expect(tally.failed).toEqual([]);
    expect(tally.repeatedPrompts).toBeLessThanOrEqual(repeatsOf(scenario));
    expect(unavailableMs).toBeLessThan(ANSWERED_WITHIN_MS);
  }

  it.for(Object.keys(faults))(
    '%s: every job ends once and well, and nothing is left behind',
    async (name, { skip }) => {
      if (!namesFor(installation).includes(name)) skip('this user may not mount a small disk');
      const applications = startLoad();
      await expect.poll(() => applications.ends.length, { timeout: 30_000 }).toBeGreaterThan(APPLICATIONS);
      const struckAt = performance.now();
      await faults[name]?.(installation, 0, outageMs);
      const mendedAt = performance.now();
      await expect
        .poll(() => applications.ends.some((at) => at > mendedAt), { timeout: 60_000, interval: 20 })
        .toBe(true);
      await applications.finish();
      expect(performance.now() - mendedAt, 'what was open has ended').toBeLessThan(SETTLES_WITHIN_MS);

      const { since, withinMs } = recoveryOf(name, { struckAt, mendedAt });
      const recoveryMs = applications.stoodStill(since);
      await expectAllWell(applications, name, recoveryMs);
      expect(recoveryMs).toBeLessThan(withinMs);
    },
  );

  it('C06 workers die of one job again and again: it is given up, and all others end well', async () => {
    const { addresses, product, jobs, restartWorker } = installation;
    const applications = startLoad();
    const client = createGatewayClient(addresses[0], product.texts);
    const killer = await client.generate({ parameters: { steps: 100 } });
    jobs.add(killer.id);
    const watching = client.watch(killer.id);
    await watching.until(({ job: { status } }) => status === 'RUNNING');
    // As if ten workers had died of it already: each would take its 15 s.
    await product.admin.hset(product.keys.job(killer.id), 'takeovers', 10);
    await Promise.all([restartWorker(0), restartWorker(1)]);
    const { job } = await watching.end();
    expect(job).toMatchObject({ status: 'FAILED', error: { code: 'INTERNAL' } });
    await applications.finish();
    await expectAllWell(applications, 'C06 workers die of one job again and again', null);
  });

  it('C13 Redis is emptied: every watcher is told, and new jobs are done', async () => {
    const { addresses, product, jobs } = installation;
    const clients = addresses.map((address) => createGatewayClient(address, product.texts));
    for (const simulator of product.simulators) simulator.faults.set({ hold: true });
    const watchers = await Promise.all(
      Array.from({ length: APPLICATIONS }, async (_, i) => {
        const client = clients[i % clients.length] ?? expect.fail('there is no gateway');
        return client.watch((await client.generate()).id, { once: true });
      }),
    );
    await watchers[0]?.until(({ job: { status } }) => status === 'RUNNING');
    await product.admin.flushall();
    jobs.clear();
    const ends = await Promise.allSettled(watchers.map((watcher) => watcher.end(20_000)));
    for (const end of ends) expect(end).toMatchObject({ reason: { message: expect.stringContaining('NOT_FOUND') } });

    for (const simulator of product.simulators) simulator.faults.reset();
    const applications = startLoad();
    await expect.poll(() => applications.ends.length, { timeout: 30_000 }).toBeGreaterThan(APPLICATIONS);
    await applications.finish();
    await expectAllWell(applications, 'C13 Redis was emptied', null);
  });
});
