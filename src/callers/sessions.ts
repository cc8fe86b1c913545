import type { Identity } from './identity.ts';

/** What lasts longer than a request. */
export interface Sessions {
  /** Calls `end` once, within 1 s of when the identity's key or token is revoked or ends. */
  follow(identity: Identity, end: () => void): Disposable;
}
