import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { generated, type SeenEvent, type SeenJob } from './gateway-client.ts';
import type { Gateway } from './product.ts';

/** What is promised, and what a machine with more to do than this adds. */
const ANSWERED_WITHIN_MS = 3_000 + 2_000;

export interface Workload {
  /** Jobs acknowledged so far. */
  readonly acknowledged: number;
  /** Calls answered UNAVAILABLE so far. */
  readonly refused: number;
  /** When the last call was acknowledged, by `performance.now()`. */
  readonly acknowledgedAt: number;
  /** Asks for no more, and checks that every job that was acknowledged ends well, once, as its watcher sees too. */
  finish(): Promise<SeenJob[]>;
}

/**
 * An application that asks for a picture ten times a second and watches each. A call that is not answered with a job must be
 * answered UNAVAILABLE, in time; it is made again with the same key.
 */
export function startWorkload(gateway: Gateway): Workload {
  const watched = new Map<string, Promise<SeenEvent>>();
  const stopped = new AbortController();
  let refused = 0;
  let acknowledgedAt = 0;

  /** Whoever begins to watch while Redis is away is told so, and begins anew. */
  async function watchToEnd(id: string): Promise<SeenEvent> {
    for (;;) {
      try {
        return await gateway.watch(id).end(60_000);
      } catch (cause) {
        if (!String(cause).includes('UNAVAILABLE')) throw cause;
        await sleep(500);
      }
    }
  }

  async function acknowledge(key: string): Promise<void> {
    for (;;) {
      const answer = await gateway.tryGenerate({ key });
      expect(answer.ms).toBeLessThan(ANSWERED_WITHIN_MS);
      if (answer.errors.length === 0) {
        const { job } = generated(answer);
        acknowledgedAt = performance.now();
        const end = watchToEnd(job.id);
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
      // The last one may not be answered yet.
      const keys = await asking;
      expect(watched.size).toBe(keys);
      const ended = await Promise.all(watched.values());
      for (const { job } of ended) {
        expect(job).toMatchObject({ status: 'SUCCEEDED' });
        await gateway.expectWhole(job);
      }
      return ended.map(({ job }) => job);
    },
  };
}
