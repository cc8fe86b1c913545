import type { ComfyClient } from '../comfyui/client.ts';
import type { ComfySocket } from '../comfyui/socket.ts';
import { type Breaker, type BreakerOptions, createBreaker } from './breaker.ts';

/** A ComfyUI of this worker, as a job sees it. */
export interface Backend {
  readonly name: string;
  readonly client: ComfyClient;
  readonly socket: ComfySocket;
  /** A socket of its own under another client id, for what is told to a worker that has died. To be closed. */
  socketAs(clientId: string): ComfySocket;
  /** Classes whose nodes make results; null until the server has said. */
  outputClasses(): ReadonlySet<string> | null;
}

/** A place at a server, held until it is disposed. */
export interface BackendLease extends Disposable {
  readonly backend: Backend;
  /** What the job saw of the server, for its breaker. Said more than once, the last one counts. */
  saw(outcome: 'succeeded' | 'failed'): void;
}

/** Whether a server can take prompts, and how many of them it holds, whoever they are from. */
export interface Seen {
  reachable: boolean;
  queueLength: number;
}

export interface Pool {
  /** A place at the least loaded server that can take one; null when there is none. */
  lease(): BackendLease | null;
  /** A place at this server, full or not, reachable or not: for a prompt that is there already. Null when it is not this worker's. */
  leaseNamed(name: string): BackendLease | null;
  get(name: string): Backend | undefined;
  see(name: string, seen: Seen): void;
  /** Jobs to be held: those that are, and as many more as there are places. */
  readonly capacity: number;
}

export interface PoolOptions {
  backends: Backend[];
  /** Prompts at once for each server. */
  depth: number;
  /** Called with each new capacity. */
  onCapacity(capacity: number): void;
  breaker?: BreakerOptions;
}

interface Place {
  backend: Backend;
  breaker: Breaker;
  held: number;
  /** Order of the last lease, so that equals take turns. */
  turn: number;
  seen: Seen;
}

export function createPool({ backends, depth, onCapacity, breaker }: PoolOptions): Pool {
  const places = new Map<string, Place>(
    backends.map((backend) => [
      backend.name,
      { backend, breaker: createBreaker(breaker), held: 0, turn: 0, seen: { reachable: false, queueLength: 0 } },
    ]),
  );
  let turns = 0;
  let told: number | undefined;

  function free({ seen, breaker, held }: Place): number {
    if (!seen.reachable || !breaker.allows()) return 0;
    return Math.max(0, (breaker.state === 'closed' ? depth : 1) - held);
  }

  function capacity() {
    return [...places.values()].reduce((sum, place) => sum + place.held + free(place), 0);
  }

  function tell() {
    const now = capacity();
    if (now === told) return;
    told = now;
    onCapacity(now);
  }

  function take(place: Place): BackendLease {
    place.breaker.admit();
    place.held++;
    place.turn = ++turns;
    let outcome: 'succeeded' | 'failed' | 'abandoned' = 'abandoned';
    let released = false;
    tell();
    return {
      backend: place.backend,
      saw(said) {
        outcome = said;
      },
      [Symbol.dispose]() {
        if (released) return;
        released = true;
        place.held--;
        place.breaker[outcome]();
        tell();
      },
    };
  }

  return {
    lease() {
      const [least] = [...places.values()].filter((place) => free(place) > 0).sort(byLoad);
      return least ? take(least) : null;
    },
    leaseNamed(name) {
      const place = places.get(name);
      return place ? take(place) : null;
    },
    get: (name) => places.get(name)?.backend,
    see(name, seen) {
      const place = places.get(name);
      if (!place) return;
      place.seen = seen;
      // Also tells of a breaker that time has opened.
      tell();
    },
    get capacity() {
      return capacity();
    },
  };
}

/** Ours first: what the server said of its queue is up to two seconds old, and has ours in it. */
function byLoad(a: Place, b: Place): number {
  return a.held - b.held || a.seen.queueLength - b.seen.queueLength || a.turn - b.turn;
}
