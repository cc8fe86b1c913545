import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { deflate, inflate } from 'node:zlib';
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { encodeNodeDefinitions, type NodeDefinitions, parseNodeDefinitions } from '../../core/node-definitions.ts';
import type { Keys } from '../../redis/keys.ts';
import type { BackendDirectory } from '../backends.ts';
import type {
  BackendNodeDefinitions,
  NodeDefinitionsDirectory,
  NodeDefinitionsPublisher,
} from '../node-definitions.ts';
import { askToLookAgain } from './redis-look-requests.ts';

const NODE_DEFINITIONS_TTL_MS = 7 * 86_400_000;
/** How many different definitions a gateway keeps in memory, about a megabyte each, and a worker in Redis. */
const KEPT = 32;
/** Those of a ComfyUI with hundreds of custom nodes have some hundred kilobytes. */
const MOST_PACKED_BYTES = 4 * 1024 * 1024;
const FRESH_MS = 2_000;
/** From this age on they are read again in the background, so that under load no caller waits for Redis. */
const AGEING_MS = 1_000;
const TRY_READ_MS = 100;
const LOOK_AGAIN_WITHIN_MS = 4_000;
const LOOK_AGAIN_EVERY_MS = 20;
/** Classes that are looked at together: one caller asks for a few, and many at once for those of the same loaders. */
const LOOKED_AT_ONCE = 64;

/** `redis` is a durable connection. */
export function createRedisNodeDefinitionsPublisher(redis: Redis, keys: Keys): NodeDefinitionsPublisher {
  /** What this worker has published, the latest last: a server may change its classes each minute. */
  const published = new Set<string>();
  return {
    async publish(nodeDefinitions) {
      const { hash, text } = encodeNodeDefinitions(nodeDefinitions);
      const key = keys.nodeDefinitions(hash);
      // The text is about a megabyte, and a twentieth of it compressed. Usually another worker has stored it already.
      const known = await redis.pexpire(key, NODE_DEFINITIONS_TTL_MS);
      if (!known) {
        const packed = await promisify(deflate)(text);
        if (packed.length > MOST_PACKED_BYTES) return null;
        await redis.set(key, packed, 'PX', NODE_DEFINITIONS_TTL_MS);
      }
      published.delete(key);
      published.add(key);
      const [oldest = key] = published;
      // Another worker whose server still has them publishes them again within minutes.
      if (published.size > KEPT && published.delete(oldest)) await redis.unlink(oldest);
      return hash;
    },
  };
}

export interface NodeDefinitionsDirectoryOptions {
  /** A request connection. */
  redis: Redis;
  keys: Keys;
  backends: Pick<BackendDirectory, 'known'>;
  log: Logger;
}

export function createRedisNodeDefinitionsDirectory(
  options: NodeDefinitionsDirectoryOptions,
): NodeDefinitionsDirectory {
  const { redis, keys, backends, log } = options;
  /** The definitions in use, by hash. Null: they cannot be parsed, since a worker of a later version wrote them. */
  let kept: ReadonlyMap<string, NodeDefinitions | null> = new Map();
  let last: { seen: readonly BackendNodeDefinitions[]; at: number; lookedAgain: number } | null = null;
  let reading: Promise<readonly BackendNodeDefinitions[]> | null = null;
  /** One look at a time, so that refused graphs, however many, cost Redis and the servers the same. */
  let lastLook: Promise<unknown> = Promise.resolve();
  /** Null: none is yet to begin. */
  let nextLook: { classes: Set<string>; seen: ReturnType<typeof look> } | null = null;

  async function load(): Promise<readonly BackendNodeDefinitions[]> {
    const at = performance.now();
    const known = await backends.known();
    const hashes = [...new Set(known.flatMap(({ catalogue }) => catalogue ?? []))].slice(-KEPT);
    const found = new Map<string, NodeDefinitions | null>();
    for (const hash of hashes) {
      const nodeDefinitions = kept.has(hash) ? kept.get(hash) : await fetch(hash);
      if (nodeDefinitions !== undefined) found.set(hash, nodeDefinitions);
    }
    kept = found;
    const seen = known.map(({ name, status, configured, catalogue }) => {
      return { name, status, configured, nodeDefinitions: (catalogue !== null && found.get(catalogue)) || null };
    });
    // Of the servers that are reached, the one that has not been looked at again for longest.
    const looks = known.flatMap(({ status, lookedAgain }) => (status === 'DOWN' ? [] : (lookedAgain ?? [])));
    last = { seen, at, lookedAgain: Math.min(...looks) };
    return seen;
  }

  /** Undefined: they are not stored yet, so they are looked for again. */
  async function fetch(hash: string): Promise<NodeDefinitions | null | undefined> {
    const packed = await redis.getBuffer(keys.nodeDefinitions(hash));
    if (!packed) return undefined;
    try {
      return parseNodeDefinitions((await promisify(inflate)(packed)).toString());
    } catch (err) {
      log.warn({ err, hash }, 'node definitions could not be parsed');
      return null;
    }
  }

  function refresh() {
    reading ??= load().finally(() => {
      reading = null;
    });
    return reading;
  }

  async function look(classes: ReadonlySet<string>): Promise<readonly BackendNodeDefinitions[] | null> {
    const until = performance.now() + LOOK_AGAIN_WITHIN_MS;
    try {
      const asked = await askToLookAgain(redis, keys, [...classes]);
      for (;;) {
        const seen = await load();
        if ((last && last.lookedAgain >= asked) || performance.now() > until) return seen;
        await delay(LOOK_AGAIN_EVERY_MS);
      }
    } catch (err) {
      notRead(err);
      return null;
    }
  }

  const age = () => (last ? performance.now() - last.at : Number.POSITIVE_INFINITY);
  const notRead = (err: unknown) => log.debug({ err }, 'node definitions could not be read');

  async function read() {
    if (!last || age() >= FRESH_MS) return refresh();
    if (age() >= AGEING_MS) refresh().catch(notRead);
    return last.seen;
  }

  return {
    read,
    async tryRead() {
      if (last && age() < FRESH_MS) return read();
      const late = new AbortController();
      try {
        return await Promise.race([read(), delay(TRY_READ_MS, null, { signal: late.signal })]);
      } catch (err) {
        notRead(err);
        return null;
      } finally {
        late.abort();
      }
    },
    lookAgain(classes) {
      if (!nextLook) {
        const wanted = new Set<string>();
        const seen = lastLook.then(() => {
          nextLook = null;
          return look(wanted);
        });
        lastLook = seen;
        nextLook = { classes: wanted, seen };
      }
      for (const name of classes) if (nextLook.classes.size < LOOKED_AT_ONCE) nextLook.classes.add(name);
      return nextLook.seen;
    },
  };
}
