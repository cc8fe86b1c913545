import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import type { ArtifactStore, StoredObject } from '../artifacts/artifact-store.ts';
import { jobIdIn } from '../artifacts/keys.ts';
import { createFairQueue } from '../async/fair-queue.ts';
import { TooManyWaitingError } from '../async/semaphore.ts';
import type { BoundUse } from '../async/shares.ts';
import { spool } from '../files/spool.ts';
import { isRedisDown } from '../redis/is-down.ts';
import { type Converter, createConverter } from './converter.ts';
import {
  formats,
  MOST_BYTES,
  parseVariantKey,
  type Variant,
  VariantError,
  variantKey,
  variantName,
} from './variant.ts';

/** Which of the pictures that were made of another one are kept. */
export interface VariantClaims {
  /**
   * Counts a picture that was made, by its `variantName`, as the newest of its original, and gives the names of those
   * that are kept no longer: they are the oldest. Throws when Redis cannot be reached.
   */
  claim(originalKey: string, name: string): Promise<string[]>;
}

export interface VariantMakerOptions {
  artifacts: Pick<ArtifactStore, 'head' | 'read' | 'put' | 'removePrefix'>;
  claims: VariantClaims;
  /** Called with the reason why a picture was not kept. */
  onRedisDown: (error: unknown) => void;
  log: Logger;
  /** Default: by sharp, in processes of their own. */
  converter?: Converter;
}

/** A variant as it is stored. */
export type StoredVariant = Pick<StoredObject, 'sizeBytes' | 'contentType' | 'sha256'>;

export interface VariantMaker {
  /**
   * What is stored under a variant's key, made first where it is not there: once, however many ask meanwhile, and
   * whether or not they stay. Throws VariantError and StorageError.
   */
  ensure(key: string): Promise<StoredVariant>;
  /** What is being made, and what waits for that. */
  use(): BoundUse;
  /** Gives up what is being made, leaves nothing half-written, and ends the processes that convert. */
  close(): Promise<void>;
}

/** Each takes a core, and memory as cost.ts says. */
const AT_ONCE = 2;
const MOST_WAITING = 64;
const HEAD_TIMEOUT_MS = 10_000;
/** From asking to having it stored, time in line included. */
const MAKE_TIMEOUT_MS = 60_000;
/** How many pictures are remembered that could not be converted, and for how long they are not tried again. */
const MOST_REFUSED = 1_000;
const REFUSED_MS = 600_000;

export function createVariantMaker(options: VariantMakerOptions): VariantMaker {
  const { artifacts, claims, onRedisDown, log, converter = createConverter() } = options;
  const queue = createFairQueue({ atOnce: AT_ONCE, waiting: MOST_WAITING });
  const making = new Map<string, Promise<StoredVariant>>();
  const refused = new LRUCache<string, VariantError>({ max: MOST_REFUSED, ttl: REFUSED_MS });
  const stopped = new AbortController();
  const within = (ms: number) => AbortSignal.any([stopped.signal, AbortSignal.timeout(ms)]);

  async function find(key: string): Promise<StoredVariant> {
    const parsed = parseVariantKey(key);
    if (parsed === null) throw new VariantError('gone', 'not the key of a variant');
    try {
      const stored = await artifacts.head(key, { signal: within(HEAD_TIMEOUT_MS) });
      if (stored !== null) return stored;
      const refusal = refused.get(key);
      if (refusal) throw refusal;
      const signal = within(MAKE_TIMEOUT_MS);
      const { originalKey, variant } = parsed;
      return await queue.run(jobIdIn(key) ?? originalKey, () => make(key, originalKey, variant, signal), signal);
    } catch (error) {
      if (error instanceof TooManyWaitingError || isTimeout(error) || stopped.signal.aborted) {
        throw new VariantError('busy', 'there is no time to make it', { cause: error });
      }
      if (error instanceof VariantError && ['unreadable', 'tooLarge'].includes(error.reason)) giveUpOn(key, error);
      throw error;
    }
  }

  function giveUpOn(key: string, error: VariantError): void {
    if (refused.has(key)) return;
    refused.set(key, error);
    const reason = error.message.slice(0, 200);
    log.warn({ jobId: jobIdIn(key), key, reason }, 'a picture could not be converted');
  }

  async function make(key: string, originalKey: string, variant: Variant, signal: AbortSignal): Promise<StoredVariant> {
    const folder = await mkdtemp(join(tmpdir(), 'comfygate-variant-'));
    const began = performance.now();
    try {
      const original = await download(originalKey, folder, signal);
      const path = join(folder, 'picture');
      const { sizeBytes, sha256 } = await converter.convert({ path: original.path, target: path, variant }, signal);
      const { contentType, extension } = formats[variant.format];
      const file = { path, sizeBytes, sha256, contentType, filename: `picture.${extension}` };
      await artifacts.put(key, file, { signal });
      // Its job may have been removed meanwhile, and then nobody would remove this.
      if ((await artifacts.head(originalKey, { signal })) === null) {
        await artifacts.removePrefix(key, { signal });
        throw gone();
      }
      await keep(originalKey, variant, signal);
      log.debug({ jobId: jobIdIn(key), key, sizeBytes, ms: Math.round(performance.now() - began) }, 'picture made');
      return { sizeBytes, sha256, contentType };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /**
   * Only now that it is stored: each that is counted is there, and is removed once newer ones have taken its place. No
   * caller can use up the pictures of another one so: what was replaced is made again when it is asked for.
   */
  async function keep(originalKey: string, variant: Variant, signal: AbortSignal): Promise<void> {
    try {
      const replaced = await claims.claim(originalKey, variantName(variant));
      for (const name of replaced) await artifacts.removePrefix(`${originalKey}.${name}`, { signal });
    } catch (error) {
      if (!isRedisDown(error)) throw error;
      onRedisDown(error);
      // Nobody would count it.
      await artifacts.removePrefix(variantKey(originalKey, variant), { signal });
      throw new VariantError('busy', 'it cannot be counted', { cause: error });
    }
  }

  async function download(key: string, folder: string, signal: AbortSignal) {
    const stored = await artifacts.head(key, { signal });
    if (stored === null) throw gone();
    if (stored.sizeBytes > MOST_BYTES) {
      throw new VariantError('tooLarge', `it has ${stored.sizeBytes} bytes, at most ${MOST_BYTES} are converted`);
    }
    const body = await artifacts.read(key, { signal });
    if (body === null) throw gone();
    return spool(body, folder, { expectedLength: stored.sizeBytes, signal });
  }

  return {
    ensure(key) {
      const known = making.get(key);
      if (known) return known;
      const found = find(key).finally(() => making.delete(key));
      making.set(key, found);
      return found;
    },
    use: queue.use,
    async close() {
      stopped.abort(new Error('closing'));
      await Promise.allSettled(making.values());
      await converter.close();
    },
  };
}

function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'TimeoutError';
}

function gone(): VariantError {
  return new VariantError('gone', 'the original has been removed');
}
