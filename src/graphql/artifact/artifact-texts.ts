import { text as textOf } from 'node:stream/consumers';
import { LRUCache } from 'lru-cache';
import { type ArtifactStore, StorageError } from '../../artifacts/artifact-store.ts';
import { createOwnedWork } from '../../async/owned-work.ts';
import { TooManyWaitingError } from '../../async/semaphore.ts';
import { GatewayError, notFound, unavailable } from '../../core/errors.ts';
import type { Artifact } from '../../core/job.ts';

/** Of one answer; a text counts for at least LEAST_BYTES, since each is a read of its own. */
const MOST_BYTES_OF_ANSWER = 8 * 1024 * 1024;
const LEAST_BYTES = 32 * 1024;
/**
 * Texts never change, so they are kept: a page that is asked for again is read without storage, also while that is
 * away.
 */
const MOST_CACHED_CHARACTERS = 8 * 1024 * 1024;
/** What an entry takes besides its text, so that empty ones are bounded too. */
const ENTRY_CHARACTERS = 100;
/** Of one client. */
const READS_AT_ONCE = 8;
const MOST_WAITING = 1_000;
/** Storage that is slower than this is answered as away. */
const READ_TIMEOUT_MS = 5_000;
const RETRY_AFTER_SECONDS = 10;

export interface ArtifactTexts {
  /**
   * What a text artifact says. `answer` stands for the answer that it is part of, as an object of that one execution;
   * `client`: whose reads it waits behind. Rejects with LIMIT_EXCEEDED where the answer would be too long, UNAVAILABLE
   * without storage, NOT_FOUND when it has been removed.
   */
  read(artifact: Artifact, answer: object, client: string): Promise<string>;
}

export function createArtifactTexts(artifacts: Pick<ArtifactStore, 'read'>): ArtifactTexts {
  const known = new LRUCache<string, string>({
    maxSize: MOST_CACHED_CHARACTERS,
    sizeCalculation: (text) => text.length + ENTRY_CHARACTERS,
  });
  const reading = new Map<string, Promise<string>>();
  const lengths = new WeakMap<object, number>();
  const reads = createOwnedWork({ atOnce: READS_AT_ONCE, waiting: MOST_WAITING, waitMs: READ_TIMEOUT_MS });

  function charge({ sizeBytes }: Artifact, answer: object): void {
    const length = (lengths.get(answer) ?? 0) + Math.max(sizeBytes, LEAST_BYTES);
    lengths.set(answer, length);
    if (length <= MOST_BYTES_OF_ANSWER) return;
    const message = `The texts of this answer are longer than ${MOST_BYTES_OF_ANSWER} bytes: ask for fewer at once.`;
    throw new GatewayError(message, { code: 'LIMIT_EXCEEDED' });
  }

  async function download(key: string, client: string): Promise<string> {
    // Not the signal of the first reader, who may leave: the others still wait for the text.
    const signal = AbortSignal.timeout(READ_TIMEOUT_MS);
    try {
      return await reads.run(client, async () => {
        signal.throwIfAborted();
        const body = await artifacts.read(key, { signal });
        if (body === null) throw notFound('text');
        return textOf(body);
      });
    } catch (error) {
      if (!(error instanceof StorageError || error instanceof TooManyWaitingError || signal.aborted)) throw error;
      throw unavailable('the artifact storage cannot be reached', RETRY_AFTER_SECONDS, error);
    }
  }

  function readOnce(key: string, client: string): Promise<string> {
    const name = `${client} ${key}`;
    const shared = reading.get(name);
    if (shared) return shared;
    const text = download(key, client).finally(() => reading.delete(name));
    reading.set(name, text);
    return text;
  }

  return {
    async read(artifact, answer, client) {
      charge(artifact, answer);
      const { key } = artifact;
      const text = known.get(key) ?? (await readOnce(key, client));
      known.set(key, text);
      return text;
    },
  };
}
