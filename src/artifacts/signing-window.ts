/** S3's limit, kept by both drivers. */
const MAX_URL_SECONDS = 7 * 24 * 60 * 60;

/** How long an address is to work. */
export interface Lifetime {
  /** At most 7 days are given. */
  expiresInSeconds: number;
  /** Milliseconds since 1970 after which the address must not work, whatever `expiresInSeconds` says. */
  notAfter?: number;
  /** Whether the address stays the same for as long as it is to work, and works longer for it; see signingWindow. */
  steady?: boolean;
}

export interface SigningWindow {
  /** Milliseconds since 1970, on a whole second: the time to sign with. */
  startsAtMs: number;
  /** Milliseconds since 1970, on a whole second: from then on the address does not work. */
  expiresAtMs: number;
}

/**
 * When a signed address begins and ends. Its beginning is rounded down, so that whoever asks again gets the same
 * address for a while, and a browser finds the picture in its cache: to a quarter of what was asked for, or to all of
 * it where the address is steady. One that is steady works for at least as long as asked for and at most twice as long,
 * any other for at most as long and at least three quarters of it; none for longer than 7 days, or past `notAfter`.
 * Where 7 days are too short for both, a steady one changes sooner.
 */
export function signingWindow(
  nowMs: number,
  { expiresInSeconds, notAfter = Number.POSITIVE_INFINITY, steady = false }: Lifetime,
): SigningWindow {
  const asked = Math.min(Math.max(1, Math.floor(expiresInSeconds)), MAX_URL_SECONDS);
  const life = steady ? Math.min(2 * asked, MAX_URL_SECONDS) : asked;
  const step = Math.max(1, life - asked, Math.floor(life / 4));
  const start = Math.floor(nowMs / 1000 / step) * step;
  const end = Math.min(start + life, Math.floor(notAfter / 1000));
  // One that is over already is still an address: it answers that it has expired. S3 wants a life of at least a second.
  return { startsAtMs: Math.min(start, end - 1) * 1000, expiresAtMs: end * 1000 };
}
