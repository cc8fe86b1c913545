/** The median. Of an even number of values it is the mean of the middle two. Throws for an empty list. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const low = sorted[Math.floor(middle)];
  const high = sorted[Math.ceil(middle)];
  if (low === undefined || high === undefined) throw new Error('there is no median of nothing');
  return (low + high) / 2;
}

/** The value that a share (0 to 1) of all values do not exceed. Throws for an empty list. */
export function percentile(values: readonly number[], of: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil(sorted.length * of) - 1)];
  if (value === undefined) throw new Error('there is no percentile of nothing');
  return value;
}

/**
 * Runs the contenders in turn, so that a machine that is slow for a while is slow for all of them. Returns each one's
 * measurements by round. The order is reversed with every round, since the second run finds the machine in another
 * state.
 */
export async function interleave<Name extends string, Measured>(
  rounds: number,
  contenders: Record<Name, (round: number) => Promise<Measured>>,
): Promise<Record<Name, Measured[]>> {
  const entries = Object.entries<(round: number) => Promise<Measured>>(contenders);
  const measured = Object.fromEntries(entries.map(([name]) => [name, [] as Measured[]])) as Record<Name, Measured[]>;
  for (let round = 0; round < rounds; round++) {
    for (const [name, run] of round % 2 === 0 ? entries : entries.toReversed()) {
      measured[name as Name].push(await run(round));
    }
  }
  return measured;
}
