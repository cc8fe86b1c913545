/**
 * Something that there is a bound of, and who has taken how much of it. Each may take half: whoever takes all that he
 * can leaves the other half to the others. No less, since behind a proxy everybody comes from one address, and an
 * honest installation has to work with half of each bound.
 */
export interface Shares {
  /** Takes so much (default 1) for an owner. False: that is more than he may have, or than there is. */
  take(owner: string, amount?: number): boolean;
  /** Gives back what was taken. */
  give(owner: string, amount?: number): void;
  /** How much an owner may still take. */
  left(owner: string): number;
}

export function createShares(most: number): Shares {
  const mostOfEach = Math.ceil(most / 2);
  const shares = new Map<string, number>();
  let taken = 0;

  function set(owner: string, share: number): void {
    taken += share - (shares.get(owner) ?? 0);
    if (share > 0) shares.set(owner, share);
    else shares.delete(owner);
  }

  const left = (owner: string) => Math.min(mostOfEach - (shares.get(owner) ?? 0), most - taken);

  return {
    take(owner, amount = 1) {
      if (amount > left(owner)) return false;
      set(owner, (shares.get(owner) ?? 0) + amount);
      return true;
    },
    give: (owner, amount = 1) => set(owner, (shares.get(owner) ?? 0) - amount),
    left,
  };
}
