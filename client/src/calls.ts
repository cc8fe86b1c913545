/** Where calls under way are kept: `sessionStorage` for one tab, `localStorage` for all of a browser. */
export type CallStorage = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

/** A call that may have made a job whose result nobody has got yet. */
export interface PendingCall {
  /** Its idempotency key. */
  key: string;
  /** What was called: a digest of workflow, input and files. */
  digest: string;
  /** Ids of its uploads, in the order of its files; absent until all are sent. */
  uploads?: string[];
  /** Milliseconds since 1970. */
  begunAt: number;
}

const ITEM = 'comfygate';
/** A gateway keeps idempotency keys, and uploads that no job names, for as long. */
const KEPT_MS = 24 * 3_600_000;
/** More are hardly under way, and storages of browsers are small. */
const MAX_KEPT = 100;

/** 128 random bits, also on pages without TLS, which have no `crypto.randomUUID`. */
export function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Lets a call that a reload has cut off go on: the same call finds its key again. */
export function createCalls(storage: CallStorage) {
  /** Keys of calls of this page, which a second call with the same input must not take. */
  const taken = new Set<string>();

  function kept(): PendingCall[] {
    try {
      return JSON.parse(storage.getItem(ITEM) ?? '[]');
    } catch {
      return []; // Somebody else has written there: no call that could go on.
    }
  }
  function keep(calls: PendingCall[]) {
    if (calls.length > 0) storage.setItem(ITEM, JSON.stringify(calls.slice(-MAX_KEPT)));
    else storage.removeItem(ITEM);
  }
  const others = ({ key }: PendingCall) => kept().filter((call) => call.key !== key);

  return {
    /** The call that was begun before a reload, or a new one. */
    begin(digest: string): PendingCall {
      const now = Date.now();
      const calls = kept().filter(({ begunAt }) => now - begunAt < KEPT_MS);
      const found = calls.find((call) => call.digest === digest && !taken.has(call.key));
      const call = found ?? { key: newKey(), digest, begunAt: now };
      taken.add(call.key);
      keep(found ? calls : [...calls, call]);
      return call;
    },
    sent(call: PendingCall, uploads: string[]) {
      keep([...others(call), { ...call, uploads }]);
    },
    /** It has failed for now: the next call with the same input goes on with it. */
    leave: ({ key }: PendingCall) => void taken.delete(key),
    /** It has its result. */
    end(call: PendingCall) {
      taken.delete(call.key);
      keep(others(call));
    },
  };
}

/** Of texts and files: their length and 64 bits, which two calls under way do not share by chance. */
export async function digestOf(parts: (string | Blob)[]): Promise<string> {
  const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
  // Not SHA-256, which browsers keep from pages without TLS: FNV-1a, from two sides.
  let [a, b] = [0x811c9dc5, 0x01000193];
  for (const byte of bytes) {
    a = Math.imul(a ^ byte, 0x01000193);
    b = Math.imul(b ^ byte, 0x85ebca6b) ^ (b >>> 13);
  }
  return `${bytes.length}-${a >>> 0}-${b >>> 0}`;
}
