/** Watches the loops of a process and knows which of them hang. */
export interface Loops {
  /**
   * Adds a loop under the name that health reports show, and returns the function to call at each turn. `isExpected`
   * says whether the loop could turn now; time in which it waits for something else does not count.
   */
  add(name: string, isExpected?: () => boolean): () => void;
  /** The loops that could have turned for at least `lateMs` and did not, and since when (milliseconds since 1970). */
  late(): { name: string; since: number }[];
  close(): void;
}

export interface LoopsOptions {
  /** Must be longer than the slowest turn of any loop. */
  lateMs: number;
}

/** How often the loops are checked within `lateMs`. */
const LOOKS = 30;

/**
 * Ages are measured on a monotonic clock: when the system clock steps, no loop may seem late and none may be missed.
 */
export function createLoops({ lateMs }: LoopsOptions): Loops {
  const loops = new Map<string, { turnedAt: number; isExpected: () => boolean }>();
  const everyMs = lateMs / LOOKS;
  let lookedAt = performance.now();

  function look(): number {
    const at = performance.now();
    // The whole process was suspended (SIGSTOP) while its clock went on: every loop gets the full time again.
    const wasHeld = at - lookedAt > lateMs / 2;
    lookedAt = at;
    for (const loop of loops.values()) if (wasHeld || !loop.isExpected()) loop.turnedAt = at;
    return at;
  }

  const timer = setInterval(look, everyMs);
  timer.unref();

  return {
    add(name, isExpected = () => true) {
      const loop = { turnedAt: performance.now(), isExpected };
      loops.set(name, loop);
      return () => {
        loop.turnedAt = performance.now();
      };
    },
    late() {
      const at = look();
      return [...loops].flatMap(([name, { turnedAt }]) => {
        const ageMs = at - turnedAt;
        return ageMs > lateMs ? { name, since: Math.round(Date.now() - ageMs) } : [];
      });
    },
    close: () => clearInterval(timer),
  };
}
