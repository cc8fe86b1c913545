import type { Backend, BackendLease, JobSaw } from './backend.ts';
import { type Breaker, type BreakerOptions, createBreaker } from './breaker.ts';
import type { Requirements } from './requirements.ts';

export type { Backend, BackendLease } from './backend.ts';

/** Whether a server can take prompts, and how many of them it holds, whoever they are from. */
export interface Seen {
  reachable: boolean;
  queueLength: number;
}

export interface Pool {
  /**
   * A place for a job, at one of the servers that have room and can run it: the least loaded; among equals one that has its models
   * loaded, then each in its turn. An idle server comes before a busy one that has the models: loading them takes no longer than
   * waiting there, and a prompt more runs meanwhile. Null when there is none. `without`: servers that the job found gone.
   */
  lease(requirements: Requirements, without?: ReadonlySet<string>): BackendLease | null;
  /**
   * A place at this server, full or not, reachable or not, draining or not: for a prompt that is there already. Null when it is
   * not this worker's.
   */
  leaseNamed(name: string): BackendLease | null;
  /** Names of the servers that can run the job, whether they have room or not, reachable or not. */
  fitting(requirements: Requirements): string[];
  get(name: string): Backend | undefined;
  see(name: string, seen: Seen): void;
  /** These servers get no new work. */
  drain(names: ReadonlySet<string>): void;
  isDraining(name: string): boolean;
  /** A job that failed at this server was taken by another: the fault was not the job's. */
  blame(name: string): void;
  /** Free places, whatever for. */
  readonly room: number;
  /** Jobs to be held: those that are, and as many more as there are places. */
  readonly capacity: number;
}

export interface PoolOptions {
  backends: Backend[];
  /** Prompts at once for each server. */
  depth: number;
  /** Called with each new capacity. */
  onCapacity(capacity: number): void;
  /** Called for a server that has room, with each change and each look at it. */
  onRoom(name: string): void;
  breaker?: BreakerOptions;
  /** Told of each change of a server's breaker. */
  onBreaker?: (name: string, state: Breaker['state']) => void;
  /** Milliseconds that only grow; default performance.now. */
  now?: () => number;
}

interface Place {
  backend: Backend;
  breaker: Breaker;
  reachable: boolean;
  /** Prompts that it held beside ours when it was last looked at, which is up to two seconds ago. */
  others: number;
  draining: boolean;
  held: number;
  /** Order of the last lease, so that equals take turns. */
  turn: number;
  /** Models of the last job that this worker gave it. */
  loaded: ReadonlySet<string>;
}

/** As long as jobs of a worker that has died or stopped are left to the one that comes after it. */
const LOOKS_MS = 60_000;

export function createPool(options: PoolOptions): Pool {
  const { backends, depth, onCapacity, onRoom, now = () => performance.now() } = options;
  const places = new Map<string, Place>(
    backends.map((backend) => [
      backend.name,
      {
        backend,
        breaker: createBreaker({
          ...options.breaker,
          onChange: (state) => options.onBreaker?.(backend.name, state),
        }),
        reachable: false,
        others: 0,
        draining: false,
        held: 0,
        turn: 0,
        loaded: new Set(),
      },
    ]),
  );
  const startedAt = now();
  let turns = 0;
  let told: number | undefined;

  function free({ reachable, draining, breaker, held }: Place): number {
    if (!reachable || draining || !breaker.allows()) return 0;
    return Math.max(0, (breaker.state === 'closed' ? depth : 1) - held);
  }

  /**
   * Where all servers drain, one job at a time is looked at while there may be prompts of an earlier worker: that worker's jobs
   * come back through the queue, and nobody else reaches their prompts.
   */
  function looks(): number {
    const reached = [...places.values()].filter(({ reachable }) => reachable);
    if (reached.some(({ draining }) => !draining)) return 0;
    return reached.some(({ others }) => others > 0 || now() - startedAt < LOOKS_MS) ? 1 : 0;
  }

  const room = () => places.values().reduce((sum, place) => sum + free(place), 0);
  const capacity = () => places.values().reduce((sum, { held }) => sum + held, room() + looks());

  function tell() {
    const jobs = capacity();
    if (jobs !== told) {
      told = jobs;
      onCapacity(jobs);
    }
    for (const place of places.values()) if (free(place) > 0) onRoom(place.backend.name);
  }

  function take(place: Place, models?: ReadonlySet<string>): BackendLease {
    place.breaker.admit();
    place.held++;
    place.turn = ++turns;
    if (models) place.loaded = models;
    let outcome: JobSaw = 'abandoned';
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
    lease(requirements, without) {
      const rank = ({ backend: { name }, held, others, loaded, turn }: Place) => [
        name === requirements.avoid ? 1 : 0,
        held + others,
        [...requirements.models].every((model) => loaded.has(model)) ? 0 : 1,
        turn,
      ];
      const [best] = [...places.values()]
        .filter((place) => free(place) > 0 && !without?.has(place.backend.name) && requirements.fits(place.backend))
        .sort((a, b) => byRank(rank(a), rank(b)));
      return best ? take(best, requirements.models) : null;
    },
    leaseNamed(name) {
      const place = places.get(name);
      return place ? take(place) : null;
    },
    fitting: (requirements) => backends.filter(requirements.fits).map(({ name }) => name),
    get: (name) => places.get(name)?.backend,
    see(name, { reachable, queueLength }) {
      const place = places.get(name);
      if (!place) return;
      place.reachable = reachable;
      place.others = Math.max(0, queueLength - place.held);
      if (!reachable) place.loaded = new Set();
      // Also tells of a breaker that time has opened.
      tell();
    },
    drain(names) {
      for (const place of places.values()) place.draining = names.has(place.backend.name);
      tell();
    },
    isDraining: (name) => places.get(name)?.draining === true,
    blame(name) {
      places.get(name)?.breaker.failed();
      tell();
    },
    get room() {
      return room();
    },
    get capacity() {
      return capacity();
    },
  };
}

function byRank(a: number[], b: number[]): number {
  const at = a.findIndex((value, i) => value !== b[i]);
  return (a[at] ?? 0) - (b[at] ?? 0);
}
