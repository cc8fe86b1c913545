import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { deflate, inflate } from 'node:zlib';
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { encodeNodeCatalogue, type NodeCatalogue, parseNodeCatalogue } from '../../core/node-catalogue.ts';
import type { Keys } from '../../redis/keys.ts';
import type { BackendDirectory } from '../backends.ts';
import type { BackendCatalogue, CatalogueDirectory, CataloguePublisher } from '../catalogues.ts';

const CATALOGUE_TTL_MS = 7 * 86_400_000;
/** Different ones in memory, a megabyte or so each. */
const KEPT = 32;
const FRESH_MS = 2_000;
/** Read anew in the background from this age on, so that under load nobody waits for it. */
const AGEING_MS = 1_000;
const GLANCE_MS = 100;

/** `redis` is a durable connection. */
export function createRedisCataloguePublisher(redis: Redis, keys: Keys): CataloguePublisher {
  return {
    async publish(catalogue) {
      const { hash, text } = encodeNodeCatalogue(catalogue);
      const key = keys.nodeCatalogue(hash);
      // Near a megabyte, a twentieth of it compressed, and mostly there already.
      const known = await redis.pexpire(key, CATALOGUE_TTL_MS);
      if (!known) await redis.set(key, await promisify(deflate)(text), 'PX', CATALOGUE_TTL_MS);
      return hash;
    },
  };
}

export interface CatalogueDirectoryOptions {
  /** A request connection. */
  redis: Redis;
  keys: Keys;
  backends: Pick<BackendDirectory, 'backends'>;
  log: Logger;
}

export function createRedisCatalogueDirectory(options: CatalogueDirectoryOptions): CatalogueDirectory {
  const { redis, keys, backends, log } = options;
  /** By hash, those in use; null: not to be read, as of a later version. */
  let kept: ReadonlyMap<string, NodeCatalogue | null> = new Map();
  let last: { seen: readonly BackendCatalogue[]; at: number } | null = null;
  let reading: Promise<readonly BackendCatalogue[]> | null = null;

  async function load(): Promise<readonly BackendCatalogue[]> {
    const at = performance.now();
    const known = await backends.backends();
    const hashes = [...new Set(known.flatMap(({ catalogue }) => catalogue ?? []))].slice(-KEPT);
    const found = new Map<string, NodeCatalogue | null>();
    for (const hash of hashes) {
      const catalogue = kept.has(hash) ? kept.get(hash) : await fetch(hash);
      if (catalogue !== undefined) found.set(hash, catalogue);
    }
    kept = found;
    const seen = known.map(({ name, status, catalogue }) => {
      return { name, status, catalogue: (catalogue !== null && found.get(catalogue)) || null };
    });
    last = { seen, at };
    return seen;
  }

  /** Undefined: not there, and perhaps later. */
  async function fetch(hash: string): Promise<NodeCatalogue | null | undefined> {
    const packed = await redis.getBuffer(keys.nodeCatalogue(hash));
    if (!packed) return undefined;
    try {
      return parseNodeCatalogue((await promisify(inflate)(packed)).toString());
    } catch (err) {
      log.warn({ err, hash }, 'node catalogue not understood');
      return null;
    }
  }

  function refresh() {
    reading ??= load().finally(() => {
      reading = null;
    });
    return reading;
  }

  const age = () => (last ? performance.now() - last.at : Number.POSITIVE_INFINITY);
  const notRead = (err: unknown) => log.debug({ err }, 'node catalogues not read');

  async function read() {
    if (!last || age() >= FRESH_MS) return refresh();
    if (age() >= AGEING_MS) refresh().catch(notRead);
    return last.seen;
  }

  return {
    read,
    async glance() {
      if (last && age() < FRESH_MS) return read();
      const late = new AbortController();
      try {
        return await Promise.race([read(), delay(GLANCE_MS, null, { signal: late.signal })]);
      } catch (err) {
        notRead(err);
        return null;
      } finally {
        late.abort();
      }
    },
  };
}
