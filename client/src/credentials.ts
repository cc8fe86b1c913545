/**
 * An API key, a watch token, or the token of whoever is logged in. A function is asked with every call and every
 * connection, and again before the token ends. Keep it, and renew it in good time, as the libraries of login services
 * do. Where it rejects it is asked again.
 */
export type Token = string | (() => string | Promise<string>);

export interface Credentials {
  /** For the headers of a call, and the first message of a socket. */
  now(): Promise<{ authorization: string }>;
  /** Whether there may be others than those that were refused. */
  renew: boolean;
}

export function credentialsOf(token: Token | undefined): Credentials | undefined {
  if (!token) return undefined;
  const renew = typeof token === 'function';
  return { renew, now: async () => ({ authorization: `Bearer ${renew ? await token() : token}` }) };
}
