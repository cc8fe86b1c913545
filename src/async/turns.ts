/** Work of many on one event loop: whatever any of them brings, the others and all else have their turn. */
export interface Turns {
  /**
   * Does the work, which must not throw, behind all that its owner has brought before. Groups take turns, and so do the
   * owners within a group.
   */
  add(group: string, owner: object, work: () => void): void;
}

type Works = (() => void)[];

/** `turnMs`: how much of this work is done before the event loop goes on with all else. */
export function createTurns(turnMs: number): Turns {
  /** Of groups and of owners, the one at the front is next. */
  const groups = new Map<string, Map<object, Works>>();
  let busy = false;
  let began = 0;

  /** Takes the next piece, and puts its owner and group to the end. */
  function next(): (() => void) | undefined {
    const [group] = groups;
    if (!group) return undefined;
    const [name, owners] = group;
    const [first] = owners;
    groups.delete(name);
    if (!first) return undefined;
    const [owner, works] = first;
    const work = works.shift();
    owners.delete(owner);
    if (works.length > 0) owners.set(owner, works);
    if (owners.size > 0) groups.set(name, owners);
    return work;
  }

  function step(): void {
    const work = next();
    if (!work) {
      busy = false;
      return;
    }
    work();
    // A tick that a microtask asks for comes behind all microtasks, in which the work goes on: its time counts, too.
    if (performance.now() - began < turnMs) queueMicrotask(() => process.nextTick(step));
    else setImmediate(begin);
  }

  function begin(): void {
    began = performance.now();
    step();
  }

  return {
    add(group, owner, work) {
      const owners = groups.get(group) ?? new Map<object, Works>();
      groups.set(group, owners);
      const works = owners.get(owner) ?? [];
      owners.set(owner, works);
      works.push(work);
      if (busy) return;
      busy = true;
      setImmediate(begin);
    },
  };
}
