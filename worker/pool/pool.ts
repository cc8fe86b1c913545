import type { Backend, BackendSlot, SlotOutcome } from './backend.ts';
import { type Breaker, type BreakerOptions, createBreaker } from './breaker.ts';
import type { Requirements } from './requirements.ts';

/** Whether a server can take prompts, and how many of them it holds, whoever they are from. */
export interface ServerLoad {
  /** It answers, and works. */
  reachable: boolean;
  /** It answers, and does not work off its queue. */
  stalled: boolean;
  queueLength: number;
}

/** The slots of all servers of this worker, as many for each as its depth. */
export interface Pool {
  /**
   * A slot at one of the servers that have one free and can run the job: at the least loaded; among equals at one that
   * has the job's models loaded; else at each in turn. An idle server comes before a busy one that has the models:
   * loading them takes no longer than waiting there, and one prompt more runs meanwhile. Null when there is none.
   * `without`: servers not to be used.
   */
  takeSlot(requirements: Requirements, without?: ReadonlySet<string>): BackendSlot | null;
  /**
   * A slot at this server whether it is full, reachable or draining: for a prompt that is there already. Null when the
   * server is not one of this worker's.
   */
  takeSlotAt(name: string): BackendSlot | null;
  /**
   * A slot at a server that can run the job and has had nothing to do for so long, so that it begins there at once and
   * no job that is coming needs it. Null when there is none.
   */
  takeIdleSlot(requirements: Requirements, idleMs: number, without: ReadonlySet<string>): BackendSlot | null;
  /** Names of the servers that can run the job, whether they have a free slot or not, reachable or not. */
  fitting(requirements: Requirements): string[];
  get(name: string): Backend | undefined;
  /** Called with each look at a server. */
  update(name: string, load: ServerLoad): void;
  /** These servers get no new work. */
  drain(names: ReadonlySet<string>): void;
  isDraining(name: string): boolean;
  /** Whether the server answers, and works. */
  isReachable(name: string): boolean;
  /** Whether the server answers and does not work: what waits there is to be run elsewhere. */
  isStalled(name: string): boolean;
  /** A job that failed at this server was accepted by another one, so the fault was not the job's. */
  reportFailure(name: string): void;
  /** Free slots of all servers. */
  readonly freeSlots: number;
  /** How many jobs the worker can hold: one for each slot that is held or free. */
  readonly capacity: number;
}

export interface PoolOptions {
  backends: Backend[];
  /** Slots of each server: prompts that it is given at once. */
  depth: number;
  /** Called with each new capacity. */
  onCapacity(capacity: number): void;
  /** Called for each server that has a free slot, whenever something has changed and with each update. */
  onFreeSlot(name: string): void;
  breaker?: BreakerOptions;
  /** Called with each change of a server's breaker. */
  onBreaker?: (name: string, state: Breaker['state']) => void;
  /** Milliseconds that only grow; default performance.now. */
  now?: () => number;
}

interface Server {
  backend: Backend;
  breaker: Breaker;
  reachable: boolean;
  stalled: boolean;
  /** Prompts that it held beside ours at the last look, up to two seconds ago. */
  others: number;
  draining: boolean;
  held: number;
  /** When it was last given a job, as a count of all jobs given: equals take turns. */
  turn: number;
  /** Models of the last job that this worker gave it. */
  loaded: ReadonlySet<string>;
  /** Since when it has had nothing to do and could be given a job; null while that is not so. */
  idleSince: number | null;
}

/** How long after its start a worker looks for prompts that an earlier one left at draining servers. */
const TAKEOVER_MS = 60_000;

export function createPool(options: PoolOptions): Pool {
  const { backends, depth, onCapacity, onFreeSlot, now = () => performance.now() } = options;
  const servers = new Map<string, Server>(
    backends.map((backend) => [
      backend.name,
      {
        backend,
        breaker: createBreaker({
          ...options.breaker,
          onChange: (state) => options.onBreaker?.(backend.name, state),
        }),
        reachable: false,
        stalled: false,
        others: 0,
        draining: false,
        held: 0,
        turn: 0,
        loaded: new Set(),
        idleSince: null,
      },
    ]),
  );
  const startedAt = now();
  let turns = 0;
  let reported: number | undefined;

  function free({ reachable, draining, breaker, held }: Server): number {
    if (!reachable || draining || !breaker.allows()) return 0;
    return Math.max(0, (breaker.state === 'closed' ? depth : 1) - held);
  }

  /**
   * Where all servers drain, one job at a time is still taken while prompts of an earlier worker may be there: that
   * worker's jobs come back through the queue, and no other worker reaches their prompts.
   */
  function takeoverCapacity(): number {
    const reached = [...servers.values()].filter(({ reachable }) => reachable);
    if (reached.some(({ draining }) => !draining)) return 0;
    return reached.some(({ others }) => others > 0 || now() - startedAt < TAKEOVER_MS) ? 1 : 0;
  }

  const freeSlots = () => servers.values().reduce((sum, server) => sum + free(server), 0);
  const capacity = () => servers.values().reduce((sum, { held }) => sum + held, freeSlots() + takeoverCapacity());

  function notify() {
    for (const server of servers.values()) {
      const idle = free(server) > 0 && server.held + server.others === 0;
      server.idleSince = idle ? (server.idleSince ?? now()) : null;
    }
    const jobs = capacity();
    if (jobs !== reported) {
      reported = jobs;
      onCapacity(jobs);
    }
    for (const server of servers.values()) if (free(server) > 0) onFreeSlot(server.backend.name);
  }

  function take(server: Server, models?: ReadonlySet<string>): BackendSlot {
    server.breaker.admit();
    server.held++;
    server.turn = ++turns;
    if (models) server.loaded = models;
    let outcome: SlotOutcome = 'abandoned';
    let released = false;
    notify();
    return {
      backend: server.backend,
      report(next) {
        outcome = next;
      },
      [Symbol.dispose]() {
        if (released) return;
        released = true;
        server.held--;
        server.breaker[outcome]();
        notify();
      },
    };
  }

  /** The best of the servers that have a free slot. */
  function takeBest(requirements: Requirements, isWanted: (server: Server) => boolean): BackendSlot | null {
    const rank = ({ backend: { name }, held, others, loaded, turn }: Server) => [
      name === requirements.avoid ? 1 : 0,
      held + others,
      [...requirements.models].every((model) => loaded.has(model)) ? 0 : 1,
      turn,
    ];
    const [best] = [...servers.values()]
      .filter((server) => free(server) > 0 && isWanted(server) && requirements.fits(server.backend))
      .sort((a, b) => byRank(rank(a), rank(b)));
    return best ? take(best, requirements.models) : null;
  }

  return {
    takeSlot: (requirements, without) => takeBest(requirements, ({ backend }) => !without?.has(backend.name)),
    takeIdleSlot(requirements, idleMs, without) {
      const isIdle = ({ idleSince }: Server) => idleSince !== null && now() - idleSince >= idleMs;
      return takeBest(requirements, (server) => isIdle(server) && !without.has(server.backend.name));
    },
    takeSlotAt(name) {
      const server = servers.get(name);
      return server ? take(server) : null;
    },
    fitting: (requirements) => backends.filter(requirements.fits).map(({ name }) => name),
    get: (name) => servers.get(name)?.backend,
    update(name, { reachable, stalled, queueLength }) {
      const server = servers.get(name);
      if (!server) return;
      server.reachable = reachable;
      server.stalled = stalled;
      if (stalled) server.breaker.hold();
      else server.breaker.release();
      server.others = Math.max(0, queueLength - server.held);
      if (!reachable) server.loaded = new Set();
      // Even with the same load: a breaker may have become half open with time.
      notify();
    },
    drain(names) {
      for (const server of servers.values()) server.draining = names.has(server.backend.name);
      notify();
    },
    isDraining: (name) => servers.get(name)?.draining === true,
    isReachable: (name) => servers.get(name)?.reachable === true,
    isStalled: (name) => servers.get(name)?.stalled === true,
    reportFailure(name) {
      servers.get(name)?.breaker.failed();
      notify();
    },
    get freeSlots() {
      return freeSlots();
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
