/** Knows whether what a process does again and again is still done. */
export interface Loops {
  /**
   * A loop by the name that people read. Gives what to call at each turn. `isExpected`: whether it could turn now; the time
   * that it waits for others does not count.
   */
  add(name: string, isExpected?: () => boolean): () => void;
  /** Those that could have turned for the whole of `lateMs` and did not, and since when (milliseconds since 1970). */
  late(): { name: string; since: number }[];
  close(): void;
}

export interface LoopsOptions {
  /** Above what the slowest turn takes. */
  lateMs: number;
}

/** For anything to be late, this has to be looked at so much more often. */
const LOOKS = 30;

/** Ages are told by a clock that never steps: the other one may stand still for a loop, or leap over what is late. */
export function createLoops({ lateMs }: LoopsOptions): Loops {
  const loops = new Map<string, { turnedAt: number; isExpected: () => boolean }>();
  const everyMs = lateMs / LOOKS;
  let lookedAt = performance.now();

  function look(): number {
    const at = performance.now();
    // The whole process stood still, and its clock did not (SIGSTOP): all get their time anew.
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
