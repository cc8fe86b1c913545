/** How long, in milliseconds, a client waits for what. */
export const TIMEOUTS = {
  /** A connection is asked for a sign of life this long after its last one. */
  ping: 5_000,
  /** Without a sign of life for this long after it was asked, the connection is given up. */
  pong: 5_000,
  /** From opening a connection to the gateway's acknowledgement. */
  connect: 5_000,
  /** The answer to a call over HTTP. Longer where calls have `waitSeconds`. */
  answer: 10_000,
  /** A file and the answer to it: as long as a gateway lets a file take. */
  file: 900_000,
  /** The answer to the question whether the gateway is there. */
  probe: 4_000,
  /** A socket gets its next token so long before the present one ends; at half of the time of a short one. */
  renew: 30_000,
  /** Between two renewals at least, where the clock of the page is wrong. */
  renewPause: 5_000,
  /** Between two attempts at first; it doubles with each. */
  firstWait: 500,
  /** Between two attempts at most, so that a long outage is over for a page as soon as a short one. */
  maxWait: 3_000,
};

export type Timeouts = typeof TIMEOUTS;

/** Resolves earlier when `signal` is aborted. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
}
