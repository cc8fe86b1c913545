/** Another server is the master now. */
const TAKEN_OVER = /^(?:READONLY|UNBLOCKED|MOVED|CLUSTERDOWN) /;
/** It takes no writes for want of replicas: it may be a master that was cut off and replaced. */
const ALONE = /^NOREPLICAS /;
/** It takes no writes; reads go on. */
const REFUSED = /^(?:MISCONF|OOM) /;
const LOOK_EVERY_MS = 2_000;

/**
 * Whether an error is answered by connecting anew, to whoever is the master then. Never by 2, which sends the command
 * again: it may be one of a transaction. A worker's connection (`pausing`) does so at each refusal, since BullMQ would
 * ask again at once and for ever: to it the reconnect is a pause. Where people wait, reads must go on meanwhile.
 */
export function createReconnects(pausing: boolean, now: () => number = performance.now.bind(performance)) {
  let lookedAt = Number.NEGATIVE_INFINITY;
  return ({ message }: Error): boolean => {
    if (TAKEN_OVER.test(message)) return true;
    if (pausing) return ALONE.test(message) || REFUSED.test(message);
    if (!ALONE.test(message) || now() - lookedAt < LOOK_EVERY_MS) return false;
    lookedAt = now();
    return true;
  };
}
