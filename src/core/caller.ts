/** Who calls, until there are callers. */
export const CALLER = 'anonymous';
