import type { Identity } from '../callers/identity.ts';
import type { Sessions } from '../callers/sessions.ts';

/** Longer than nearly all answers take; following may begin so much later, since it finds out what has ended before. */
const AFTER_MS = 100;

/**
 * Follows only what is still open after a moment. Most requests are over by then, and to follow each costs as much as
 * to find out who calls.
 */
export function followLasting(sessions: Sessions, afterMs = AFTER_MS): Sessions {
  interface Waiting {
    identity: Identity;
    end: () => void;
    session: Disposable | undefined;
  }
  const waiting = new Set<Waiting>();
  let isDue = false;

  function begin(): void {
    isDue = false;
    for (const each of waiting) each.session = sessions.follow(each.identity, each.end);
    waiting.clear();
  }

  return {
    follow(identity, end) {
      const one: Waiting = { identity, end, session: undefined };
      waiting.add(one);
      // One timer for all that come meanwhile.
      if (!isDue) setTimeout(begin, afterMs).unref();
      isDue = true;
      return {
        [Symbol.dispose]() {
          waiting.delete(one);
          one.session?.[Symbol.dispose]();
        },
      };
    },
  };
}
