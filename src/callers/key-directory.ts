import { setTimeout as delay } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import { unavailable } from '../core/errors.ts';
import type { Identity } from './identity.ts';
import { endOf, type KeyNews, type StoredKey } from './key-store.ts';

/** A key as a gateway keeps it in memory. */
export interface KnownKey extends StoredKey {
  /** The bytes of `hash`. */
  digest: Buffer;
  /** Until when it lives; Infinity: for ever. */
  endsAt: number;
  identity: Identity;
}

/**
 * The API keys that a gateway has seen. Those it knows cost no call of Redis; what becomes of them is known here within
 * a second.
 */
export interface KeyDirectory {
  /** At once where the key is known, or known not to be. Null: there is none. Rejects while Redis is away. */
  get(id: string): KnownKey | null | Promise<KnownKey | null>;
  /** Without asking Redis; undefined: it is not known. */
  peek(id: string): KnownKey | null | undefined;
  /** As they are in Redis now. */
  refresh(ids: readonly string[]): Promise<Map<string, KnownKey | null>>;
  /** The key has been used, which Redis is told now and then. */
  used(key: KnownKey): void;
  /**
   * `listener` is called after each look at Redis with the keys that have changed since then; null: all may have.
   */
  onLook(listener: (changed: readonly string[] | null) => void): void;
  /** Looks every 400 ms. Resolves after the first look, and rejects where that fails. */
  start(): Promise<void>;
  close(): Promise<void>;
}

export interface KeyDirectoryOptions {
  store: KeyNews;
  /** Redis's clock. */
  now: () => number;
  /** Called with each fault of Redis at a look. */
  onFault: (error: unknown) => void;
  /** Called with each look that went well. */
  onLooked?: () => void;
}

const LOOK_EVERY_MS = 400;
/** Of one key; and of all that were used meanwhile, in one call. */
const TOUCH_EVERY_MS = 60_000;
const TOUCH_ALL_EVERY_MS = 5_000;
/** About 1 KB each. */
const MAX_KNOWN = 10_000;
/** Apart from those that there are, so that whoever makes up ids puts no key out. */
const MAX_UNKNOWN = 10_000;
/** In one round trip. */
const BATCH = 200;
/** One batch is out at a time, so this is how long a line it may have. */
const MAX_WAITING = 2_000;

interface Question extends PromiseWithResolvers<KnownKey | null> {
  id: string;
}

export function createKeyDirectory({ store, now, onFault, onLooked }: KeyDirectoryOptions): KeyDirectory {
  const known = new LRUCache<string, KnownKey>({ max: MAX_KNOWN });
  const unknown = new LRUCache<string, true>({ max: MAX_UNKNOWN });
  /** Whose answer is still the latest. A question about a key that has changed since is no longer here. */
  const asked = new Map<string, Question>();
  const line: Question[] = [];
  const listeners: ((changed: readonly string[] | null) => void)[] = [];
  const usedKeys = new Set<string>();
  const ended = new AbortController();
  let asking = false;
  /** Null: changes may have been missed, so all is read anew. */
  let position: string | null = null;
  let touchedAt = performance.now();
  store.onInterrupted(() => {
    position = null;
  });

  function peek(id: string): KnownKey | null | undefined {
    return known.get(id) ?? (unknown.get(id) ? null : undefined);
  }

  function keep(id: string, key: StoredKey | null): KnownKey | null {
    if (!key) {
      unknown.set(id, true);
      return null;
    }
    const made = toKnown(key);
    known.set(id, made);
    return made;
  }

  function forget(id: string): void {
    known.delete(id);
    unknown.delete(id);
    asked.delete(id);
  }

  function ask(id: string): Promise<KnownKey | null> {
    const present = asked.get(id);
    if (present) return present.promise;
    if (line.length >= MAX_WAITING) throw unavailable('too many keys are being looked for', 1);
    const question = { id, ...Promise.withResolvers<KnownKey | null>() };
    asked.set(id, question);
    line.push(question);
    if (!asking) void askAll();
    return question.promise;
  }

  async function askAll(): Promise<void> {
    asking = true;
    // What comes in the same turn of the event loop goes into the same batch.
    await Promise.resolve();
    while (line.length > 0) {
      const batch = line.splice(0, BATCH);
      try {
        const keys = await store.find(batch.map(({ id }) => id));
        batch.forEach((question, i) => {
          const key = keys[i] ?? null;
          const isLatest = asked.get(question.id) === question;
          question.resolve(isLatest ? keep(question.id, key) : key && toKnown(key));
        });
      } catch (error) {
        for (const question of batch) question.reject(error);
      }
      for (const question of batch) if (asked.get(question.id) === question) asked.delete(question.id);
    }
    asking = false;
  }

  async function refresh(ids: readonly string[]): Promise<Map<string, KnownKey | null>> {
    const found = new Map<string, KnownKey | null>();
    for (let i = 0; i < ids.length; i += BATCH) {
      const batch = ids.slice(i, i + BATCH);
      const keys = await store.find(batch);
      batch.forEach((id, at) => {
        const key = keys[at] ?? null;
        found.set(id, key && toKnown(key));
      });
    }
    return found;
  }

  async function look(): Promise<void> {
    if (position === null) {
      const latest = await store.position();
      for (const id of [...known.keys(), ...unknown.keys(), ...asked.keys()]) forget(id);
      position = latest;
      for (const listener of listeners) listener(null);
    } else {
      const news = await store.changedSince(position);
      if (news.changed === null) {
        position = null;
        return look();
      }
      position = news.position;
      for (const id of news.changed) forget(id);
      for (const listener of listeners) listener(news.changed);
    }
  }

  /** What Redis does not take is lost: the next use tells it. */
  async function touch(): Promise<void> {
    const ids = [...usedKeys];
    usedKeys.clear();
    touchedAt = performance.now();
    for (let i = 0; i < ids.length; i += BATCH) await store.touch(ids.slice(i, i + BATCH)).catch(onFault);
  }

  async function follow(): Promise<void> {
    for (;;) {
      await delay(LOOK_EVERY_MS, undefined, { signal: ended.signal, ref: false }).catch(() => undefined);
      if (ended.signal.aborted) return;
      try {
        await look();
        onLooked?.();
        if (performance.now() - touchedAt >= TOUCH_ALL_EVERY_MS) await touch();
      } catch (error) {
        position = null;
        onFault(error);
      }
    }
  }

  return {
    peek,
    refresh,
    get: (id) => {
      const present = peek(id);
      return present === undefined ? ask(id) : present;
    },
    used(key) {
      const at = now();
      if (key.lastUsedAt !== null && at - key.lastUsedAt < TOUCH_EVERY_MS) return;
      key.lastUsedAt = at;
      if (usedKeys.size < MAX_KNOWN) usedKeys.add(key.id);
    },
    onLook: (listener) => void listeners.push(listener),
    async start() {
      await look();
      void follow();
    },
    async close() {
      ended.abort();
      await touch();
    },
  };
}

function toKnown(key: StoredKey): KnownKey {
  const { id, caller, name, plan, scopes, hash } = key;
  const endsAt = endOf(key);
  return {
    ...key,
    endsAt,
    digest: Buffer.from(hash, 'hex'),
    identity: {
      ...{ caller, name, plan, keyId: id, watch: null },
      scopes: new Set(scopes),
      expiresAt: Number.isFinite(endsAt) ? endsAt : null,
    },
  };
}
