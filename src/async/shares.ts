/**
 * Something that there is a bound of, and who has taken how much of it. Each may take half of what the others leave, so
 * that whoever takes all that he can leaves as much to those who come later, however many there are of him. No less for
 * the first, since behind a proxy everybody comes from one address: an honest installation works with half of each
 * bound.
 */
export interface Shares {
  /** How much of it is taken by all, of how much, and how often there was none left for who asked. */
  use(): BoundUse;
  /**
   * Takes so much (default 1) for an owner. False: that is more than he may have, or than there is. `most`: the most of
   * this owner, where that is less. Default null: there is none of his own.
   */
  take(owner: string, amount?: number, most?: number | null): boolean;
  /**
   * Makes one that an owner has taken another's, whom it does not count twice. False: the other may not have it, and
   * nothing has changed. `most`: as of `take`.
   */
  move(from: string, to: string, most?: number | null): boolean;
  /** Gives back what was taken. */
  give(owner: string, amount?: number): void;
  /** How much an owner may still take. */
  left(owner: string): number;
}

export interface BoundUse {
  taken: number;
  most: number;
  refusals: number;
}

export function createShares(most: number): Shares {
  const shares = new Map<string, number>();
  let taken = 0;
  let refusals = 0;

  function set(owner: string, share: number): void {
    taken += share - (shares.get(owner) ?? 0);
    if (share > 0) shares.set(owner, share);
    else shares.delete(owner);
  }

  function left(owner: string): number {
    const own = shares.get(owner) ?? 0;
    return Math.max(0, Math.ceil((most - (taken - own)) / 2) - own);
  }

  return {
    take(owner, amount = 1, mostOfOwner = null) {
      const share = (shares.get(owner) ?? 0) + amount;
      if (amount > left(owner) || (mostOfOwner !== null && share > mostOfOwner)) {
        refusals += 1;
        return false;
      }
      set(owner, share);
      return true;
    },
    move(from, to, mostOfOwner = null) {
      if (from === to) return true;
      const share = (shares.get(to) ?? 0) + 1;
      // As if it had been given back.
      const free = Math.ceil((most - (taken - 1 - (share - 1))) / 2);
      if (share > free || (mostOfOwner !== null && share > mostOfOwner)) {
        refusals += 1;
        return false;
      }
      set(from, (shares.get(from) ?? 0) - 1);
      set(to, share);
      return true;
    },
    give: (owner, amount = 1) => set(owner, (shares.get(owner) ?? 0) - amount),
    left,
    use: () => ({ taken, most, refusals }),
  };
}
