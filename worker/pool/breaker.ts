/**
 * Whether a server that can be reached is given work. `open`: it failed several times in a row and gets none until
 * `untilMs`, or none at all while it is held open. `halfOpen`: it gets one job, whose end decides. `round` counts the
 * openings in a row.
 */
export type BreakerState =
  | { state: 'closed'; failures: number }
  | { state: 'open'; round: number; untilMs: number }
  | { state: 'halfOpen'; round: number; trying: boolean };

export interface BreakerOptions {
  /** Failures in a row that open it; default 3. */
  threshold?: number;
  /** How long it stays open at first; doubled each round; defaults 2 s and 60 s. */
  openMs?: { first: number; most: number };
  /** Milliseconds that only grow; default performance.now. */
  now?: () => number;
  /** Called with each new state. */
  onChange?: (state: BreakerState['state']) => void;
}

export interface Breaker {
  readonly state: BreakerState['state'];
  /** Whether one more job may be given to the server. If so, it counts as given: one of the three below must follow. */
  admit(): boolean;
  /** As `admit`, but nothing is given. */
  allows(): boolean;
  succeeded(): void;
  failed(): void;
  /** The job that was admitted ended without saying anything of the server. */
  abandoned(): void;
  /** The server is known not to work: it is given nothing, whatever its jobs say, until `release`. */
  hold(): void;
  /** The server seems to work again: it gets one job, whose end decides. Does nothing where it was not held. */
  release(): void;
}

export function createBreaker(options: BreakerOptions = {}): Breaker {
  const { threshold = 3, openMs = { first: 2_000, most: 60_000 }, now = () => performance.now() } = options;
  let current: BreakerState = { state: 'closed', failures: 0 };

  function become(next: BreakerState) {
    const changed = next.state !== current.state;
    current = next;
    if (changed) options.onChange?.(next.state);
  }

  function look(): BreakerState {
    if (current.state === 'open' && now() >= current.untilMs) {
      become({ state: 'halfOpen', round: current.round, trying: false });
    }
    return current;
  }

  function allows() {
    const seen = look();
    return seen.state === 'closed' || (seen.state === 'halfOpen' && !seen.trying);
  }

  const isHeld = () => current.state === 'open' && current.untilMs === Number.POSITIVE_INFINITY;

  function open(round: number): BreakerState {
    return { state: 'open', round, untilMs: now() + Math.min(openMs.most, openMs.first * 2 ** (round - 1)) };
  }

  return {
    get state() {
      return look().state;
    },
    allows,
    admit() {
      if (!allows()) return false;
      if (current.state === 'halfOpen') current = { ...current, trying: true };
      return true;
    },
    succeeded() {
      // What it took before it stopped working says nothing of it now.
      if (!isHeld()) become({ state: 'closed', failures: 0 });
    },
    failed() {
      const seen = look();
      if (seen.state === 'halfOpen') become(open(seen.round + 1));
      else if (seen.state === 'closed' && seen.failures + 1 >= threshold) become(open(1));
      else if (seen.state === 'closed') become({ state: 'closed', failures: seen.failures + 1 });
    },
    abandoned() {
      if (current.state === 'halfOpen') current = { ...current, trying: false };
    },
    hold: () => become({ state: 'open', round: 1, untilMs: Number.POSITIVE_INFINITY }),
    release() {
      if (isHeld()) become({ state: 'halfOpen', round: 1, trying: false });
    },
  };
}
