import { setTimeout as sleep, setImmediate as turnOfLoop } from 'node:timers/promises';

/** What is attacked, and from where. */
export interface Target {
  /** The gateway's origin, without a slash at its end. */
  url: string;
  /** The loopback address that the attack comes from, so that bounds by address tell it from honest clients. */
  from: string;
  /** A job that has ended, whose parameters are as large as they can be. */
  largeJobId: string;
  /** Jobs that have ended, with one large picture each. */
  pictureJobIds: readonly string[];
}

/** One hostile client among several. */
export interface Client extends Target {
  /** Aborts when the attack is over. */
  signal: AbortSignal;
  /** Waits until the client may do its next thing. Rejects when the attack is over. */
  turn(): Promise<void>;
  /** Counts bytes that it has sent. */
  sent(bytes: number): void;
  /** Counts an answer to it, by status and code. */
  answered(what: string): void;
}

export interface Bounds {
  /** Hostile clients at a time. One that is turned away comes back after a moment. */
  clients: number;
  /** What each of them does a second, at most: see the attack. */
  perSecond: number;
  /** Ends the attack by itself. */
  ms: number;
}

/** A kind of attack. */
export interface Attack {
  /** The full strength of the attack, where nothing else is asked for. */
  usual: Pick<Bounds, 'clients' | 'perSecond'>;
  /** Is a hostile client until it is turned away: it resolves or rejects then. */
  run(client: Client): Promise<void>;
}

/** What an attack has done, for the report. */
export interface Tally {
  /** How often a client has begun. */
  begun: number;
  /** Turns that were taken. */
  turns: number;
  sentBytes: number;
  /** What it was answered and how its clients ended, with how often. */
  answers: Record<string, number>;
}

export interface RunningAttack {
  readonly tally: Tally;
  /** Ends it, and leaves nothing open. */
  stop(): Promise<void>;
}

/** A client that was turned away comes back only then, so that attacks on a dead gateway do not spin. */
const BACK_AFTER_MS = 200;
/** Shorter than this no timer is exact. */
const SHORT_MS = 2;

export function startAttack({ run, usual }: Attack, target: Target, bounds: Partial<Bounds> = {}): RunningAttack {
  const { clients, perSecond, ms } = { ...usual, ms: 600_000, ...bounds };
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(), ms);
  const { signal } = over;
  const tally: Tally = { begun: 0, turns: 0, sentBytes: 0, answers: {} };
  const sent = (bytes: number) => {
    tally.sentBytes += bytes;
  };
  const answered = (what: string) => {
    tally.answers[what] = (tally.answers[what] ?? 0) + 1;
  };

  /** Spreads turns evenly; those that a slow gateway has held up are not made up for. */
  function createTurns(): () => Promise<void> {
    let next = performance.now() + (Math.random() * 1_000) / perSecond;
    return async () => {
      const wait = next - performance.now();
      if (wait > SHORT_MS) await sleep(wait, undefined, { signal });
      else await turnOfLoop(undefined, { signal });
      next = Math.max(next + 1_000 / perSecond, performance.now() - 1_000);
      tally.turns++;
    };
  }

  async function keepComing() {
    const turn = createTurns();
    while (!signal.aborted) {
      tally.begun++;
      const end = await run({ ...target, signal, turn, sent, answered }).then(
        () => 'turned away',
        (reason: unknown) => (signal.aborted ? null : nameOf(reason)),
      );
      if (end !== null && !signal.aborted) answered(end);
      await sleep(BACK_AFTER_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  const running = Array.from({ length: clients }, keepComing);
  return {
    tally,
    async stop() {
      clearTimeout(timer);
      over.abort();
      await Promise.all(running);
    },
  };
}

function nameOf(reason: unknown): string {
  if (reason instanceof Error && 'code' in reason) return String(reason.code);
  return reason instanceof Error ? reason.message : String(reason);
}
