import type { IncomingMessage } from 'node:http';

const DISCARD_MS = 10_000;

/**
 * Reads on through a body that nobody wants and throws it away, for ten seconds at most: a client that is still
 * sending when the connection ends sees it reset, not the answer.
 */
export function discardBody(req: IncomingMessage): void {
  req.resume();
  endUnlessComplete(req, DISCARD_MS, () => req.destroy());
}

/** Calls `giveUp` where a request has not come whole after `ms`. */
export function endUnlessComplete(req: IncomingMessage, ms: number, giveUp: () => void): void {
  if (req.complete) return;
  const timer = setTimeout(() => {
    if (!req.complete) giveUp();
  }, ms);
  timer.unref();
  req.once('end', () => clearTimeout(timer));
  req.once('close', () => clearTimeout(timer));
}
