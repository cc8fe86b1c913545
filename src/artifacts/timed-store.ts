import { type ArtifactStore, StorageError, type StorageFailure } from './artifact-store.ts';

/** Called for each call that storage has answered, or failed at, with the time that it took. */
export type OnStorageCall = (operation: string, outcome: 'ok' | StorageFailure, seconds: number) => void;

/**
 * A store whose calls are timed. Left out are calls that say nothing about the storage: those that their caller gave
 * up, those that failed because this process had no descriptor left, and `url`, which makes no network call. A `read`
 * ends when its first bytes are there.
 */
export function createTimedStore(store: ArtifactStore, onCall: OnStorageCall): ArtifactStore {
  async function time<T>(operation: string, call: () => Promise<T>): Promise<T> {
    const began = performance.now();
    const seconds = () => (performance.now() - began) / 1000;
    try {
      const answer = await call();
      onCall(operation, 'ok', seconds());
      return answer;
    } catch (error) {
      if (error instanceof StorageError && !error.isOutOfDescriptors) onCall(operation, error.reason, seconds());
      throw error;
    }
  }

  return {
    put: (...args) => time('put', () => store.put(...args)),
    head: (...args) => time('head', () => store.head(...args)),
    read: (...args) => time('read', () => store.read(...args)),
    removePrefix: (...args) => time('removePrefix', () => store.removePrefix(...args)),
    url: store.url,
    uploadUrl: (...args) => time('uploadUrl', () => store.uploadUrl(...args)),
    check: (...args) => time('check', () => store.check(...args)),
    close: store.close,
  };
}
