import { appendFileSync } from 'node:fs';
import type { Redis } from 'ioredis';
import { isTerminalEvent, jobEventTypes } from '../../src/core/events.ts';
import { isTerminal, jobStatuses } from '../../src/core/job.ts';
import type { Keys } from '../../src/redis/keys.ts';

/** One line of the table of what was tried, in docs/reliability.md. */
export interface Row {
  scenario: string;
  /** Jobs that `generate` has answered with. */
  acknowledged: number;
  /** Of those, the ones that are gone; a scenario that takes Redis's memory away says so by `forgets`. */
  lost: number;
  /** Keys with more than one job, and jobs with more than one end in their log. */
  doubled: number;
  /** From the moment that the last fault was mended to the end of a job; null where nothing was marked. */
  recoveryMs: number | null;
  /** The longest that an answer took while it was UNAVAILABLE; null where that was not measured. */
  unavailableMs: number | null;
}

/** What the clients of a test were told, to be held against what Redis has in the end. */
export interface Ledger {
  accepted(key: string, id: string): void;
  /** A watcher has seen a job's end. */
  ended(): void;
  /** What was broken works again. */
  mended(): void;
  /** Jobs are lost by intent: nothing can be asked of them. */
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
        // Record and log cannot disagree.
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

/** Keeps a row for whoever asked for a report by CHAOS_REPORT, a file of JSON lines. */
export function writeRow({ scenario, acknowledged, lost, doubled, recoveryMs, unavailableMs }: Row): void {
  const file = process.env.CHAOS_REPORT;
  const row: Row = { scenario, acknowledged, lost, doubled, recoveryMs, unavailableMs };
  if (file) appendFileSync(file, `${JSON.stringify(row)}\n`);
}
