import { beforeAll, describe, expect, it } from 'vitest';
import { disposals } from '../support/disposals.ts';
import { writeRow } from '../support/ledger.ts';
import { findMinio, startTestMinio } from '../support/minio.ts';
import { startApplications } from './applications.ts';
import { faults } from './faults.ts';
import { type Installation, openInstallation } from './installation.ts';
import { checkInvariants } from './invariants.ts';

const full = process.env.CHAOS_FULL === 'true';
const outageMs = full ? 60_000 : 3_000;
const APPLICATIONS = 8;
/** The promise after a worker's death; 5 s after everything else, which a busy machine may double. */
const RESUMES_WITHIN_MS = 15_000;
/** What a dead worker had in hand is found out by its lock and taken over, and whatever waited behind it is done too. */
const SETTLES_WITHIN_MS = 30_000;
/** The promise of 3 s, and what a machine with more to do than this adds. */
const ANSWERED_WITHIN_MS = 3_000 + 2_000;
/** A prompt that died with its server is submitted again. */
const REPEATS = 'C14 a ComfyUI is killed';

describe.skipIf(findMinio() === null)('each fault under load', { timeout: 300_000 }, () => {
  const lifetime = disposals();
  let installation: Installation;
  beforeAll(async () => {
    const minio = await startTestMinio();
    lifetime.onTestFinished(minio.close);
    installation = await openInstallation(lifetime, minio);
  }, 120_000);

  it.for(Object.keys(faults))('%s: every job ends once and well, and nothing is left behind', async (name) => {
    const { addresses, product } = installation;
    const { texts } = product;
    const applications = startApplications({
      count: APPLICATIONS,
      addresses,
      texts,
      maxJobs: Number.POSITIVE_INFINITY,
      random: Math.random,
    });
    await expect.poll(() => applications.ends.length).toBeGreaterThan(APPLICATIONS);
    await faults[name]?.(installation, 0, outageMs);
    const mendedAt = performance.now();
    const resumedAt = () => applications.ends.find((at) => at > mendedAt);
    await expect.poll(resumedAt, { timeout: 60_000, interval: 20 }).toBeDefined();
    await applications.finish();
    expect(performance.now() - mendedAt, 'what was open has ended').toBeLessThan(SETTLES_WITHIN_MS);

    const tally = await checkInvariants(installation, applications);
    const recoveryMs = (resumedAt() ?? Number.NaN) - mendedAt;
    writeRow({ scenario: `${name}, under load`, ...tally, recoveryMs });
    expect(tally.failed).toBe(0);
    if (name !== REPEATS) expect(tally.repeatedPrompts).toBe(0);
    expect(recoveryMs).toBeLessThan(RESUMES_WITHIN_MS);
    expect(applications.slowestRefusal()).toBeLessThan(ANSWERED_WITHIN_MS);
  });
});
