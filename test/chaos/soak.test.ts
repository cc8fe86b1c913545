import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { writeRow } from '../support/ledger.ts';
import { findMinio } from '../support/minio.ts';
import { startApplications } from './applications.ts';
import { faults, namesFor, repeatsOf } from './faults.ts';
import { openInstallation } from './installation.ts';
import { checkInvariants } from './invariants.ts';
import { seededRandom } from './random.ts';

const full = process.env.CHAOS_FULL === 'true';
const seed = Number(process.env.CHAOS_SEED ?? Math.floor(Math.random() * 2 ** 31));
/** Where a number of jobs is given, the soak takes as long as they do. */
const jobs = process.env.CHAOS_JOBS === undefined ? null : Number(process.env.CHAOS_JOBS);
const maxJobs = jobs ?? Number.POSITIVE_INFINITY;
/** In CI a minute, with as many faults as fit; in full an hour with one every twenty seconds. */
const soakMs = full || jobs !== null ? 3_600_000 : 60_000;
const everyMs = full ? 20_000 : 5_000;
const outageMs = full ? 8_000 : 2_000;
const APPLICATIONS = 12;
/** From the moment that a fault is mended to the next job that is done. */
const RESUMES_WITHIN_MS = 15_000;
const ANSWERED_WITHIN_MS = 3_000;

describe.skipIf(findMinio() === null)('soak', () => {
  it(
    'random faults, one after another: no job is lost or doubled, every watcher sees its end',
    async (test) => {
      console.info(`soak: seed ${seed}; to repeat it: npm run test:chaos -- --seed ${seed}`);
      const random = seededRandom(seed);
      const installation = await openInstallation(test);
      const { addresses, product } = installation;
      const applications = startApplications({
        count: APPLICATIONS,
        addresses,
        texts: product.texts,
        random: Math.random,
      });
      const names = namesFor(installation);
      const struck: { name: string; recoveryMs: number }[] = [];
      for (
        const until = performance.now() + soakMs;
        performance.now() < until && applications.entries.length < maxJobs;
      ) {
        const name = names[Math.floor(random() * names.length)] ?? '';
        const which = random() < 0.5 ? 0 : 1;
        const startedAt = performance.now();
        await faults[name]?.(installation, which, Math.round(outageMs * (0.5 + random())));
        const mendedAt = performance.now();
        await expect
          .poll(() => applications.ends.some((at) => at > mendedAt), { timeout: 60_000, interval: 20 })
          .toBe(true);
        applications.expectWell();
        const resumedAt = applications.ends.find((at) => at > mendedAt) ?? mendedAt;
        struck.push({ name, recoveryMs: resumedAt - mendedAt });
        console.info(
          `soak: ${name}, ${Math.round(mendedAt - startedAt)} ms; work again after ` +
            `${Math.round(resumedAt - mendedAt)} ms`,
        );
        await sleep(Math.max(0, everyMs - (performance.now() - startedAt)));
      }
      await applications.finish();

      const tally = await checkInvariants(installation, applications);
      const repeats = struck.reduce((sum, { name }) => sum + repeatsOf(name), 0);
      const recoveryMs = Math.max(...struck.map((each) => each.recoveryMs));
      const slowestRefusalMs = applications.slowestRefusal();
      writeRow({
        scenario: `soak, seed ${seed}: ${struck.length} faults`,
        ...tally,
        recoveryMs,
        unavailableMs: slowestRefusalMs,
      });
      console.info(`soak: ${JSON.stringify({ ...tally, faults: struck.length, recoveryMs, slowestRefusalMs })}`);
      expect(tally.failed).toEqual([]);
      expect(tally.repeatedPrompts).toBeLessThanOrEqual(repeats);
      expect(recoveryMs).toBeLessThan(RESUMES_WITHIN_MS);
      expect(slowestRefusalMs).toBeLessThan(ANSWERED_WITHIN_MS);
    },
    soakMs + 300_000,
  );
});
