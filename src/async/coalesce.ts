/**
 * Runs one at a time. Each call is answered by a run that began after it, which all calls share that came meanwhile.
 */
export function coalesced(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null;
  let next: Promise<void> | null = null;
  const start = () => {
    running = run().finally(() => {
      running = null;
    });
    return running;
  };
  return () => {
    if (next) return next;
    if (!running) return start();
    const begin = () => {
      next = null;
      return start();
    };
    // However this one ends.
    next = running.then(begin, begin);
    return next;
  };
}
