import { LRUCache } from 'lru-cache';
import { unlessAborted } from '../../src/async/abort.ts';
import type { Backend } from '../pool/pool.ts';

/** Files that servers of this worker have by now, so that each is sent to each server once. */
export interface PlacedFiles {
  /**
   * The name that the server gave to the file of this SHA-256; `send` is called when it is not known to have it. A file that
   * somebody else is just sending is waited for.
   */
  ensure(backend: Backend, sha256: string, signal: AbortSignal, send: () => Promise<string>): Promise<string>;
  /** The server has it no longer. */
  forget(backend: Backend, sha256: string): void;
}

/** For each server. Beyond them the one that was used longest ago is sent again, which does no harm. */
const KEPT = 1_000;

export function createPlacedFiles(): PlacedFiles {
  const placed = new WeakMap<Backend, LRUCache<string, Promise<string> | string>>();

  function filesAt(backend: Backend) {
    const known = placed.get(backend);
    if (known) return known;
    const files = new LRUCache<string, Promise<string> | string>({ max: KEPT });
    placed.set(backend, files);
    // It may have been started anew, with another folder.
    backend.socket.onOpen(() => files.clear());
    return files;
  }

  return {
    async ensure(backend, sha256, signal, send) {
      const files = filesAt(backend);
      for (;;) {
        const found = files.get(sha256);
        if (found === undefined) break;
        // Another attempt's failure is not ours.
        const name = await unlessAborted(
          signal,
          Promise.resolve(found).catch(() => null),
        );
        if (name !== null) return name;
      }
      const sending = send();
      files.set(sha256, sending);
      try {
        const name = await sending;
        if (files.peek(sha256) === sending) files.set(sha256, name);
        return name;
      } catch (cause) {
        if (files.peek(sha256) === sending) files.delete(sha256);
        throw cause;
      }
    },

    forget(backend, sha256) {
      filesAt(backend).delete(sha256);
    },
  };
}
