/** Another server is the master now. */
const TAKEN_OVER = /^(?:READONLY|UNBLOCKED|MOVED|CLUSTERDOWN) /;
/** It takes no writes: it may be a master that was cut off and replaced. */
const REFUSED = /^(?:NOREPLICAS|MISCONF|OOM) /;
const RECONNECT_EVERY_MS = 2_000;

/**
 * Whether an error is answered by connecting anew, to whoever is the master then. Never by 2, which sends the command again: it
 * may be one of a transaction. A worker's connection does so each time, since BullMQ would ask again at once and for ever: to it
 * the reconnect is a pause as well. Where people wait, reads must go on meanwhile.
 */
export function createReconnects(eachTime: boolean): (error: Error) => boolean {
  let last = Number.NEGATIVE_INFINITY;
  return ({ message }) => {
    if (TAKEN_OVER.test(message)) return true;
    if (!REFUSED.test(message)) return false;
    const now = performance.now();
    if (!eachTime && now - last < RECONNECT_EVERY_MS) return false;
    last = now;
    return true;
  };
}
