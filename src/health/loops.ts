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
  /** Milliseconds since 1970. */
  now?: () => number;
}

/** For anything to be late, this has to be looked at so much more often. */
const LOOKS = 30;

export function createLoops({ lateMs, now = Date.now }: LoopsOptions): Loops {
  const loops = new Map<string, { turnedAt: number; isExpected: () => boolean }>();
  const everyMs = lateMs / LOOKS;
  let lookedAt = now();

  function look() {
    const at = now();
    // The whole process stood still, and its clock did not (SIGSTOP, a suspended machine): all get their time anew.
    const wasHeld = at - lookedAt > lateMs / 2;
    lookedAt = at;
    for (const loop of loops.values()) if (wasHeld || !loop.isExpected()) loop.turnedAt = at;
  }

  const timer = setInterval(look, everyMs);
  timer.unref();

  return {
    add(name, isExpected = () => true) {
      const loop = { turnedAt: now(), isExpected };
      loops.set(name, loop);
      return () => {
        loop.turnedAt = now();
      };
    },
    late() {
      look();
      return [...loops].flatMap(([name, { turnedAt }]) => (now() - turnedAt > lateMs ? { name, since: turnedAt } : []));
    },
    close: () => clearInterval(timer),
  };
}
