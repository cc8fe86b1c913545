import TinyQueue from 'tinyqueue';

/**
 * Work of many on one event loop. Whoever has had least of it is next, so that nobody waits for all that another has
 * asked for, and all else that the loop does has its turn in between.
 */
export interface Turns {
  /**
   * Does the work, which must not throw, behind all that its owner has brought before. Groups share the time in equal
   * parts, and the owners within a group take turns.
   */
  add(group: string, owner: object, work: () => void): void;
  /** Resolves when it is the owner's turn. What follows at once is the work. */
  take(group: string, owner: object): Promise<void>;
}

interface Group {
  /** The one at the front is next. */
  owners: Map<object, (() => void)[]>;
  /** How much it has had, in milliseconds; of one that comes, little less than the one that was served last. */
  usedMs: number;
}

/**
 * Of a group that has had nothing to do for a while: whoever asks now and then is before those who ask all the time,
 * and need not wait for all of them after each piece.
 */
const CREDIT_MS = 100;
/**
 * Of one piece no more counts, however long it took: mostly garbage was collected meanwhile, or the system gave the
 * processor to somebody else, and whoever was charged for that would wait until all others have had as much.
 */
const MOST_COUNTED_MS = 10;
/** For those, so many turns are made one behind the other: what the loop does in between would be most of the time. */
const MOST_TURNS = 4;
/** Groups that have nothing to do are forgotten above it; they would begin as newcomers do. */
const MAX_GROUPS = 10_000;

/** `turnMs`: how much of this work is done before the event loop goes on with all else. */
export function createTurns(turnMs: number): Turns {
  const groups = new Map<string, Group>();
  /** Those that have work. */
  const waiting = new TinyQueue<Group>([], (a, b) => a.usedMs - b.usedMs);
  let running: Group | undefined;
  /** How much those whose turn came had had, at most. */
  let served = 0;
  let busy = false;
  let began = 0;

  function groupOf(name: string): Group {
    const present = groups.get(name);
    if (present) return present;
    if (groups.size >= MAX_GROUPS) for (const [each, { owners }] of groups) if (owners.size === 0) groups.delete(each);
    const group = { owners: new Map(), usedMs: 0 };
    groups.set(name, group);
    return group;
  }

  /** Takes the next piece of a group, and puts its owner to the end. */
  function nextOf({ owners }: Group): (() => void) | undefined {
    const [first] = owners;
    if (!first) return undefined;
    const [owner, works] = first;
    const work = works.shift();
    owners.delete(owner);
    if (works.length > 0) owners.set(owner, works);
    return work;
  }

  /** Whether it has had so much less than who is always there that it need not wait for the next turn of the loop. */
  const isAhead = (group: Group | undefined) => group !== undefined && group.usedMs < served - CREDIT_MS / 2;

  function step(): void {
    const group = waiting.pop();
    running = group;
    if (!group) {
      busy = false;
      groups.clear();
      return;
    }
    served = Math.max(served, group.usedMs);
    const from = performance.now();
    nextOf(group)?.();
    // A tick that a microtask asks for comes behind all microtasks, in which the work goes on: its time counts, too.
    queueMicrotask(() =>
      process.nextTick(() => {
        const now = performance.now();
        running = undefined;
        group.usedMs += Math.min(now - from, MOST_COUNTED_MS);
        if (group.owners.size > 0) waiting.push(group);
        const isOver = now - began >= (isAhead(waiting.peek()) ? MOST_TURNS : 1) * turnMs;
        if (isOver) setImmediate(begin);
        else step();
      }),
    );
  }

  function begin(): void {
    began = performance.now();
    step();
  }

  function add(name: string, owner: object, work: () => void): void {
    const group = groupOf(name);
    if (group.owners.size === 0 && group !== running) {
      group.usedMs = Math.max(group.usedMs, served - CREDIT_MS);
      waiting.push(group);
    }
    const works = group.owners.get(owner) ?? [];
    group.owners.set(owner, works);
    works.push(work);
    if (busy) return;
    busy = true;
    setImmediate(begin);
  }

  return {
    add,
    take: (group, owner) => new Promise((resolve) => add(group, owner, resolve)),
  };
}
