import type { Authenticator, Credentials } from '../../src/callers/authenticator.ts';
import { anonymous, type Identity } from '../../src/callers/identity.ts';
import type { Sessions } from '../../src/callers/sessions.ts';
import { unauthenticated } from '../../src/core/errors.ts';

export function testIdentity(caller: string, changes: Partial<Identity> = {}): Identity {
  return { ...anonymous, caller, name: caller, keyId: `key-${caller}`, ...changes };
}

/**
 * Callers by their keys, which a test adds and revokes. What the real ones do besides (checksums, Redis, JWT) is tested
 * with them; here matters what a transport makes of their answers.
 */
export function testCallers(keys: Record<string, Identity> = {}) {
  const known = new Map(Object.entries(keys));
  const open = new Map<() => void, string | null>();
  const asked: Credentials[] = [];
  let answering: Promise<void> | null = null;
  let fault: Error | null = null;

  function find(credentials: Credentials): Identity {
    if (fault) throw fault;
    const identity = known.get(credentials.kind === 'signed' ? credentials.keyId : credentials.token);
    if (!identity || (credentials.kind === 'watch') !== (identity.watch !== null)) throw unauthenticated();
    return identity;
  }

  function endAll(keyId: string | null): void {
    for (const [end, of] of open) if (of === keyId && open.delete(end)) end();
  }

  const authenticator: Authenticator = {
    authenticate(credentials) {
      asked.push(credentials);
      return answering ? answering.then(() => find(credentials)) : find(credentials);
    },
  };
  const sessions: Sessions = {
    follow({ keyId }, end) {
      open.set(end, keyId);
      // It was revoked meanwhile.
      if (![...known.values()].some((identity) => identity.keyId === keyId)) queueMicrotask(() => endAll(keyId));
      return { [Symbol.dispose]: () => void open.delete(end) };
    },
  };

  return {
    authenticator,
    sessions,
    /** What the authenticator was asked, in order. */
    asked,
    /** How many requests and sockets are followed. */
    followed: () => open.size,
    add: (token: string, identity: Identity) => void known.set(token, identity),
    /** Ends the key, and with it what was begun by it. */
    revoke(token: string) {
      const keyId = known.get(token)?.keyId ?? null;
      known.delete(token);
      endAll(keyId);
    },
    /** From now on answers come only when the promise is resolved. */
    hold(until: Promise<void> | null) {
      answering = until;
    },
    /** From now on nothing but this. */
    fail(error: Error | null) {
      fault = error;
    },
  };
}
