import type { Identity } from './identity.ts';

/** What somebody brings to say who he is. */
export type Credentials =
  /** An API key or a JWT. */
  | { kind: 'bearer'; token: string }
  /** A watch token. */
  | { kind: 'watch'; token: string }
  /** A request that was signed with a key. `text`: what was signed. */
  | { kind: 'signed'; keyId: string; signature: string; timestamp: string; nonce: string; text: string };

export interface Authenticator {
  /**
   * Throws GatewayError UNAUTHENTICATED, always with the same message, whatever is wrong; UNAVAILABLE when Redis is
   * needed and away. Answers at once where the answer is known already.
   */
  authenticate(credentials: Credentials): Identity | Promise<Identity>;
}
