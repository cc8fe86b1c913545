import { setTimeout as delay } from 'node:timers/promises';
import type { FaultHandle } from '../faults.ts';
import { yieldToEventLoop } from '../pictures/frame.ts';

/** Thrown where the interrupt flag is found set. */
export class Interrupted extends Error {}

/** How fast nodes run, and what stops them: the interrupt flag, faults that hold a node, and the end of the server. */
export interface Pace {
  /** Sets the one global flag, which the next node or progress report reads. */
  interrupt(): void;
  clearInterrupt(): void;
  /** Waits this long at speed 1. An interrupt does not end it. */
  work(ms: number): Promise<void>;
  /**
   * Waits while the node is held, then reads the interrupt flag.
   * @param at names of the node: its id and its class.
   * @throws Interrupted
   */
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
      // Timers take whole milliseconds and fire late, so what one wait was too long is taken off the next.
      owedMs = Math.max(-50, owedMs + ms / speed);
      if (owedMs < 1) return yieldToEventLoop();
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
