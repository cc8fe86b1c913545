import { createSemaphore, type Semaphore, TooManyWaitingError } from './semaphore.ts';

/** Work that goes on a few at a time for each owner, in the order in which it came. */
export interface OwnedWork {
  /**
   * What `work` gives, once it is its owner's turn. Throws TooManyWaitingError where that does not come in time, or too
   * much waits already.
   */
  run<T>(owner: string, work: () => Promise<T>): Promise<T>;
}

export interface OwnedWorkOptions {
  /** Of each owner. */
  atOnce: number;
  /** How much of an owner's may wait, and how long. */
  waiting: number;
  waitMs: number;
}

export function createOwnedWork({ atOnce, waiting, waitMs }: OwnedWorkOptions): OwnedWork {
  const owners = new Map<string, { semaphore: Semaphore; users: number }>();

  return {
    async run(owner, work) {
      const entry = owners.get(owner) ?? { semaphore: createSemaphore({ atOnce, waiting }), users: 0 };
      owners.set(owner, entry);
      entry.users += 1;
      const late = AbortSignal.timeout(waitMs);
      let begun = false;
      try {
        return await entry.semaphore.run(() => {
          begun = true;
          return work();
        }, late);
      } catch (error) {
        if (late.aborted && !begun) throw new TooManyWaitingError(`nothing was begun within ${waitMs} ms`);
        throw error;
      } finally {
        entry.users -= 1;
        if (entry.users === 0) owners.delete(owner);
      }
    },
  };
}
