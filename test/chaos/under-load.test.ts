import { beforeAll, describe, expect, it } from 'vitest';
import { disposals } from '../support/disposals.ts';
import { writeRow } from '../support/ledger.ts';
import { findMinio } from '../support/minio.ts';
import { startApplications } from './applications.ts';
import { faults, namesFor, recoveryOf } from './faults.ts';
import { type Installation, openInstallation } from './installation.ts';
import { checkInvariants } from './invariants.ts';

const full = process.env.CHAOS_FULL === 'true';
const outageMs = full ? 60_000 : 3_000;
const APPLICATIONS = 8;
/** What a dead worker had in hand is found out by its lock and taken over, and whatever waited behind it is done too. */
const SETTLES_WITHIN_MS = 30_000;
const ANSWERED_WITHIN_MS = 3_000;
/** A prompt that died with its server is submitted again. */
const REPEATS = 'C14 a ComfyUI is killed';

describe.skipIf(findMinio() === null)('each fault under load', { timeout: 300_000 }, () => {
  const lifetime = disposals();
  let installation: Installation;
  beforeAll(async () => {
    installation = await openInstallation(lifetime);
  }, 120_000);

  it.for(Object.keys(faults))(
    '%s: every job ends once and well, and nothing is left behind',
    async (name, { skip }) => {
      if (!namesFor(installation).includes(name)) skip('this user may not mount a small disk');
      const { addresses, product } = installation;
      const applications = startApplications({
        count: APPLICATIONS,
        addresses,
        texts: product.texts,
        maxJobs: Number.POSITIVE_INFINITY,
        random: Math.random,
      });
      await expect.poll(() => applications.ends.length).toBeGreaterThan(APPLICATIONS);
      const struckAt = performance.now();
      await faults[name]?.(installation, 0, outageMs);
      const mendedAt = performance.now();
      await expect
        .poll(() => applications.ends.some((at) => at > mendedAt), { timeout: 60_000, interval: 20 })
        .toBe(true);
      await applications.finish();
      expect(performance.now() - mendedAt, 'what was open has ended').toBeLessThan(SETTLES_WITHIN_MS);

      const tally = await checkInvariants(installation, applications);
      const { since, withinMs } = recoveryOf(name, { struckAt, mendedAt });
      const recoveryMs = applications.stoodStill(since);
      writeRow({ scenario: `${name}, under load`, ...tally, recoveryMs });
      expect(tally.failed).toEqual([]);
      if (name !== REPEATS) expect(tally.repeatedPrompts).toBe(0);
      expect(recoveryMs).toBeLessThan(withinMs);
      expect(applications.slowestRefusal()).toBeLessThan(ANSWERED_WITHIN_MS);
    },
  );
});
