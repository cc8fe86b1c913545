import type { Identity } from './identity.ts';
import type { KeyDirectory, KnownKey } from './key-directory.ts';

/** What lasts longer than a request: sockets and subscriptions. */
export interface Sessions {
  /**
   * Calls `end` once, within a second of when the identity's key is revoked, or its key or token ends; never after it
   * was disposed.
   */
  follow(identity: Identity, end: () => void): Disposable;
}

export interface SessionsOptions {
  /** Undefined: there are no API keys. */
  directory?: Pick<KeyDirectory, 'peek' | 'refresh' | 'onLook'> | undefined;
  /** Redis's clock. */
  now: () => number;
  /** Called where Redis did not answer; it is asked again at the next look. */
  onFault: (error: unknown) => void;
}

/** The clock of Redis may be set meanwhile. */
const LONGEST_WAIT_MS = 60_000;

interface Session {
  identity: Identity;
  /** When its key ends, as far as is known. */
  keyEndsAt: number;
  timer: NodeJS.Timeout | undefined;
  end(): void;
}

export function createSessions({ directory, now, onFault }: SessionsOptions): Sessions {
  const byKey = new Map<string, Set<Session>>();
  /** Keys that are to be read from Redis. */
  const unsure = new Set<string>();
  let reading = false;

  function drop(session: Session): void {
    clearTimeout(session.timer);
    const { keyId } = session.identity;
    const others = byKey.get(keyId ?? '');
    others?.delete(session);
    if (others?.size === 0) byKey.delete(keyId ?? '');
  }

  /** Ends the session when its time has come, and waits for that otherwise. */
  function check(session: Session): void {
    clearTimeout(session.timer);
    const endsAt = Math.min(session.keyEndsAt, session.identity.expiresAt ?? Number.POSITIVE_INFINITY);
    if (endsAt === Number.POSITIVE_INFINITY) return;
    const leftMs = endsAt - now();
    if (leftMs <= 0) {
      drop(session);
      session.end();
      return;
    }
    session.timer = setTimeout(check, Math.min(leftMs, LONGEST_WAIT_MS), session);
    session.timer.unref();
  }

  function take(id: string, key: KnownKey | null): void {
    for (const session of byKey.get(id) ?? []) {
      session.keyEndsAt = key?.endsAt ?? Number.NEGATIVE_INFINITY;
      check(session);
    }
  }

  /** Reads what is unsure, and what becomes so meanwhile. */
  async function settle(): Promise<void> {
    if (reading || !directory) return;
    reading = true;
    while (unsure.size > 0) {
      const ids = [...unsure];
      unsure.clear();
      try {
        for (const [id, key] of await directory.refresh(ids)) take(id, key);
      } catch (error) {
        for (const id of ids) if (byKey.has(id)) unsure.add(id);
        onFault(error);
        break;
      }
    }
    reading = false;
  }

  directory?.onLook((changed) => {
    for (const id of changed ?? byKey.keys()) if (byKey.has(id)) unsure.add(id);
    void settle();
  });

  return {
    follow(identity, end) {
      const session: Session = { identity, end, keyEndsAt: Number.POSITIVE_INFINITY, timer: undefined };
      const { keyId } = identity;
      if (keyId !== null && directory) {
        const others = byKey.get(keyId) ?? new Set();
        byKey.set(keyId, others.add(session));
        const key = directory.peek(keyId);
        if (key) session.keyEndsAt = key.endsAt;
        // It has changed since it was authenticated, or was put out of memory.
        else unsure.add(keyId);
      }
      // Not at once: whoever follows has not been given back how to end it.
      session.timer = setTimeout(check, 0, session);
      void settle();
      return { [Symbol.dispose]: () => drop(session) };
    },
  };
}
