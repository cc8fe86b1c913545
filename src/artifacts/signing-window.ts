/** S3's limit, kept by both drivers. */
const MAX_URL_SECONDS = 7 * 24 * 60 * 60;

export interface SigningWindow {
  /** Milliseconds since 1970, on a whole second: the time to sign with. */
  startsAtMs: number;
  /** Milliseconds since 1970, on a whole second: from then on the address does not work. */
  expiresAtMs: number;
}

/**
 * When a signed address begins and ends. Its beginning is rounded down to a quarter of its life, so that whoever asks
 * again gets the same address for a while, and a browser finds the picture in its cache. It never works longer than
 * asked for, than 7 days, or than `notAfterMs`.
 */
export function signingWindow(
  nowMs: number,
  expiresInSeconds: number,
  notAfterMs = Number.POSITIVE_INFINITY,
): SigningWindow {
  const life = Math.min(Math.max(1, Math.floor(expiresInSeconds)), MAX_URL_SECONDS);
  const step = Math.max(1, Math.floor(life / 4));
  const start = Math.floor(nowMs / 1000 / step) * step;
  const end = Math.min(start + life, Math.floor(notAfterMs / 1000));
  // One that is over already is still an address: it answers that it has expired. S3 wants a life of at least a second.
  return { startsAtMs: Math.min(start, end - 1) * 1000, expiresAtMs: end * 1000 };
}
