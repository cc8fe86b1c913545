import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { generated, type SeenEvent, type SeenJob } from './gateway-client.ts';
import type { Gateway } from './product.ts';

/** The promised time of a refusal, and an allowance for a busy machine. */
const ANSWERED_WITHIN_MS = 3_000 + 2_000;

export interface Workload {
  /** The number of acknowledged jobs so far. */
  readonly acknowledged: number;
  /** The number of calls answered UNAVAILABLE so far. */
  readonly refused: number;
  /** The time of the last acknowledged call, on `performance.now()`. */
  readonly acknowledgedAt: number;
  /** Stops, and checks that every acknowledged job ends once as SUCCEEDED, in its record and for its watcher. */
  finish(): Promise<SeenJob[]>;
}

/**
 * An application that calls `generate` ten times a second and watches each job. A call that is not answered with a job
 * must be answered UNAVAILABLE in time, and is then repeated with the same key.
 */
export function startWorkload(gateway: Gateway): Workload {
  const watched = new Map<string, Promise<SeenEvent>>();
  const stopped = new AbortController();
  let refused = 0;
  let acknowledgedAt = 0;

  async function acknowledge(key: string): Promise<void> {
    for (;;) {
      const answer = await gateway.tryGenerate({ key });
      expect(answer.ms).toBeLessThan(ANSWERED_WITHIN_MS);
      if (answer.errors.length === 0) {
        const { job } = generated(answer);
        acknowledgedAt = performance.now();
        const end = gateway.watch(job.id).end(60_000);
        end.catch(() => undefined);
        watched.set(job.id, end);
        return;
      }
      expect(answer).toMatchObject({ status: 503, errors: [{ extensions: { code: 'UNAVAILABLE' } }] });
      refused++;
      await sleep(100);
    }
  }

  async function ask() {
    let keys = 0;
    for (; !stopped.signal.aborted; keys++) {
      await acknowledge(randomUUID());
      await sleep(100);
    }
    return keys;
  }

  const asking = ask();
  asking.catch(() => undefined);
  return {
    get acknowledged() {
      return watched.size;
    },
    get refused() {
      return refused;
    },
    get acknowledgedAt() {
      return acknowledgedAt;
    },
    async finish() {
      stopped.abort();
      // The last call may still be under way.
      const requested = await asking;
      expect(watched.size).toBe(requested);
      const ended = await Promise.all(watched.values());
      for (const { job } of ended) {
        expect(job).toMatchObject({ status: 'SUCCEEDED' });
        await gateway.expectWhole(job);
      }
      return ended.map(({ job }) => job);
    },
  };
}
