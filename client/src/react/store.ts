/**
 * State for `useSyncExternalStore`: another object after each change. `follow` begins what keeps it current when the
 * first listener comes, and gives back how to end it, which is done when the last one has gone. A turn of the event
 * loop later, since React's StrictMode, and a page that shows the same in another place, go and come back in one.
 */
export function createStore<State extends object>(first: State, follow: () => () => void = () => () => undefined) {
  let state = first;
  let end: (() => void) | undefined;
  const listeners = new Set<() => void>();
  return {
    get: () => state,
    set(change: Partial<State>) {
      state = { ...state, ...change };
      for (const listener of listeners) listener();
    },
    subscribe(listener: () => void): () => void {
      // The same function may come twice.
      const own = () => listener();
      listeners.add(own);
      end ??= follow();
      return () => {
        listeners.delete(own);
        setTimeout(() => {
          if (listeners.size > 0) return;
          end?.();
          end = undefined;
        });
      };
    },
    isHeard: () => listeners.size > 0,
  };
}

/** Stores that nobody listens to and that are kept, for each client. Those of the rest go. */
const MAX_UNHEARD = 100;

/** How long, in milliseconds, the error of a first state stands before it may be asked for again. */
const ERROR_MS = 1_000;

export const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

interface Shared {
  isHeard(): boolean;
}
// Of the module, since a component that suspends has no place of its own before it is shown. It goes with its client.
const caches = new WeakMap<object, Map<string, Shared>>();

/** One store for all places of a page that show the same, and for a component that suspends before it has any state. */
export function shared<S extends Shared>(owner: object, key: string, make: () => S): S {
  const cache = caches.get(owner) ?? new Map<string, Shared>();
  caches.set(owner, cache);
  const known = cache.get(key);
  // By its key it is of this kind.
  if (known) return known as S;
  const unheard = [...cache].filter(([, store]) => !store.isHeard());
  for (const [old] of unheard.slice(0, Math.max(0, unheard.length - MAX_UNHEARD + 1))) cache.delete(old);
  const made = make();
  cache.set(key, made);
  return made;
}

/** Loads a first state, once, for components that suspend until it is there. */
export function createLoading(ask: () => Promise<void>, fail: (error: Error | undefined) => void) {
  let loading: Promise<void> | undefined;
  return () => {
    loading ??= ask().catch((error: unknown) => {
      fail(asError(error));
      // React renders once more before it shows an error, and an error boundary may try again later.
      setTimeout(() => {
        loading = undefined;
        fail(undefined);
      }, ERROR_MS);
    });
    return loading;
  };
}
