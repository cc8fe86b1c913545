import { setTimeout as delay } from 'node:timers/promises';
import type { FaultHandle } from '../faults.ts';
import { breathe } from '../pictures/frame.ts';

/** Thrown where the interrupt flag is seen. */
export class Interrupted extends Error {}

/** How fast nodes work, and what stops them: the interrupt flag, a hold, the end of the server. */
export interface Pace {
  /** Sets the one global flag; it is seen at the next node or progress report. */
  interrupt(): void;
  clearInterrupt(): void;
  /** Works so long at speed 1. Not stopped by an interrupt. */
  work(ms: number): Promise<void>;
  /** Waits while `hold` is on, then looks at the flag. `at` names the node: its id and its class. @throws Interrupted */
  check(at: readonly string[]): Promise<void>;
  isClosing(): boolean;
}

/** @param closing aborted when the server ends; waits then reject. */
export function createPace(speed: number, faults: FaultHandle, closing: AbortSignal): Pace {
  let flag = false;
  let owedMs = 0;
  let wake: (() => void) | undefined;

  async function held(at: readonly string[]): Promise<void> {
    const isHeld = (): boolean => {
      const { deadWorker, hold, holdAt } = faults.current;
      return deadWorker || ((hold || (holdAt !== null && at.includes(holdAt))) && !flag);
    };
    while (isHeld()) {
      closing.throwIfAborted();
      const interrupted = new Promise<void>((resolve) => {
        wake = resolve;
      });
      await Promise.race([faults.changed(closing), interrupted]);
    }
  }

  return {
    isClosing: () => closing.aborted,
    interrupt() {
      flag = true;
      wake?.();
    },
    clearInterrupt() {
      flag = false;
    },
    async work(ms) {
      closing.throwIfAborted();
      // Timers count whole milliseconds and come late: what was waited too long is taken off the next wait.
      owedMs = Math.max(-50, owedMs + ms / speed);
      if (owedMs < 1) return breathe();
      const start = performance.now();
      await delay(owedMs, undefined, { signal: closing });
      owedMs -= performance.now() - start;
    },
    async check(at) {
      await held(at);
      closing.throwIfAborted();
      if (!flag) return;
      flag = false;
      throw new Interrupted();
    },
  };
}
