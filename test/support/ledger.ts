import { appendFileSync } from 'node:fs';
import type { Redis } from 'ioredis';
import { isTerminalEvent, jobEventTypes } from '../../src/core/events.ts';
import { isTerminal, jobStatuses } from '../../src/core/job.ts';
import type { Keys } from '../../src/redis/keys.ts';

/** One row of the table of scenarios in docs/reliability.md. */
export interface Row {
  scenario: string;
  /** The number of jobs that `generate` has acknowledged. */
  acknowledged: number;
  /** How many of those are lost. A scenario that empties Redis calls `forgets`. */
  lost: number;
  /** The number of keys with more than one job, and of jobs with more than one terminal event in their log. */
  doubled: number;
  /** The time from the end of the last fault to the next end of a job; null where the test did not mark it. */
  recoveryMs: number | null;
  /** The longest time of an answer that was UNAVAILABLE; null where that was not measured. */
  unavailableMs: number | null;
}

/** Collects the answers to the clients of a test, which are checked against Redis at the end. */
export interface Ledger {
  accepted(key: string, id: string): void;
  /** A watcher has received a terminal event. */
  ended(): void;
  /** The fault has ended. */
  mended(): void;
  /** The test loses jobs on purpose, so they are not checked. */
  forgets(): void;
  tally(admin: Redis, keys: Keys): Promise<Omit<Row, 'scenario' | 'unavailableMs'>>;
}

export function createLedger(): Ledger {
  const ids = new Map<string, Set<string>>();
  const ends: number[] = [];
  let mendedAt: number | null = null;
  let forgotten = false;

  return {
    accepted(key, id) {
      ids.set(key, (ids.get(key) ?? new Set()).add(id));
    },
    ended: () => void ends.push(performance.now()),
    mended() {
      mendedAt = performance.now();
    },
    forgets() {
      forgotten = true;
    },
    async tally(admin, keys) {
      const all = [...new Set([...ids.values()].flatMap((each) => [...each]))];
      let lost = 0;
      let doubled = [...ids.values()].filter(({ size }) => size > 1).length;
      for (const id of forgotten ? [] : all) {
        const [status, log] = await Promise.all([
          admin.hget(keys.job(id), 'status'),
          admin.xrange(keys.events(id), '-', '+'),
        ]);
        if (status === null) lost++;
        const types = log.map(([, [, name]]) => jobEventTypes.find((type) => type === name));
        if (types.filter((type) => type && isTerminalEvent(type)).length > 1) doubled++;
        const known = jobStatuses.find((each) => each === status);
        const last = types.at(-1);
        // Record and event log must agree.
        if (known && isTerminal(known) && last !== known) doubled++;
      }
      const since = mendedAt;
      const next = since === null ? undefined : ends.find((at) => at > since);
      return {
        acknowledged: all.length,
        lost,
        doubled: forgotten ? 0 : doubled,
        recoveryMs: since === null || next === undefined ? null : next - since,
      };
    },
  };
}

/** Appends a row to the file that CHAOS_REPORT names, as a JSON line. */
export function writeRow({ scenario, acknowledged, lost, doubled, recoveryMs, unavailableMs }: Row): void {
  const file = process.env.CHAOS_REPORT;
  const row: Row = { scenario, acknowledged, lost, doubled, recoveryMs, unavailableMs };
  if (file) appendFileSync(file, `${JSON.stringify(row)}\n`);
}
