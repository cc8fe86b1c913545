import type { BoundUse } from '../../src/async/shares.ts';
import { Retry } from '../attempt/failures.ts';
import { InputFault } from './input-fault.ts';
import type { InputShare, Inputs } from './open-inputs.ts';

/**
 * The input files that are on this worker's disk, or on their way to it. They are fetched before their job takes a slot
 * at a server, so that a slow address holds up nobody else.
 */
export interface InputStock {
  /** A turn to fetch for a job of this caller; null: as many as may be are fetched for the caller, or for all, now. */
  begin(caller: string): Disposable | null;
  /** For how many jobs files are being fetched. */
  readonly fetching: number;
  /** Of the jobs for which files may be fetched at a time, and how often one had to wait. */
  use(): BoundUse;
  /** The share of a job of this caller. */
  share(caller: string): InputShare;
  /** Keeps the files of a job that waits for a server until it is delivered again. */
  keep(jobId: string, inputs: Inputs): Promise<void>;
  /** Gives what was kept for a job to whoever runs it; null: nothing. */
  take(jobId: string): Inputs | null;
  close(): Promise<void>;
}

export interface InputStockOptions {
  /** Bytes of one input file. */
  maxBytes: number;
  /** Whether a job still waits in the queue. */
  isWaiting(jobId: string): Promise<boolean>;
  /** Called when a turn has begun or ended. `caller`: whose turn has ended. */
  onChange(caller: string | null): void;
  onError(cause: unknown): void;
  /** Between two looks at jobs whose files are kept; default 10 s. */
  intervalMs?: number;
}

const AT_ONCE = 16;
const OF_CALLER_AT_ONCE = 4;
/** Jobs whose files are kept while they wait. */
const MOST_KEPT = 100;
/** Of one caller's files, those of running jobs included; at least four of the largest that may be. */
const CALLER_BYTES = 2 * 1024 ** 3;
/** Callers that fill their shares until another one waits for room. */
const FULL_SHARES = 2;

export function createInputStock(options: InputStockOptions): InputStock {
  const { maxBytes, isWaiting, onChange, onError, intervalMs = 10_000 } = options;
  const callerBytes = Math.max(CALLER_BYTES, 4 * maxBytes);
  const turns = new Map<string, number>();
  const held = new Map<string, number>();
  const kept = new Map<string, Inputs>();
  let fetching = 0;
  let refusals = 0;
  let bytesOfAll = 0;

  function count(counts: Map<string, number>, caller: string, change: number) {
    const next = (counts.get(caller) ?? 0) + change;
    if (next > 0) counts.set(caller, next);
    else counts.delete(caller);
  }

  /** Removes the files of jobs that another worker has taken, or that have ended. */
  async function drop() {
    for (const [jobId, inputs] of kept) {
      if (await isWaiting(jobId)) continue;
      // It may have been taken while it was looked for.
      if (kept.get(jobId) === inputs && kept.delete(jobId)) await inputs[Symbol.asyncDispose]();
    }
  }
  const timer = setInterval(() => void drop().catch(onError), intervalMs);

  return {
    begin(caller) {
      if (fetching >= AT_ONCE || (turns.get(caller) ?? 0) >= OF_CALLER_AT_ONCE) {
        refusals++;
        return null;
      }
      fetching++;
      count(turns, caller, 1);
      onChange(null);
      return {
        [Symbol.dispose]() {
          fetching--;
          count(turns, caller, -1);
          onChange(caller);
        },
      };
    },
    get fetching() {
      return fetching;
    },
    use: () => ({ taken: fetching, most: AT_ONCE, refusals }),
    share(caller) {
      let own = 0;
      const change = (bytes: number) => {
        own += bytes;
        bytesOfAll += bytes;
        count(held, caller, bytes);
      };
      return {
        add(bytes) {
          if (own + bytes > callerBytes) {
            throw new InputFault(`The input files of one job are larger than ${callerBytes} bytes together`);
          }
          const full = (held.get(caller) ?? 0) + bytes > callerBytes || bytesOfAll + bytes > FULL_SHARES * callerBytes;
          if (full) throw new Retry('no room for more input files', { counts: false });
          change(bytes);
        },
        remove: (bytes) => change(-bytes),
      };
    },
    async keep(jobId, inputs) {
      if (kept.size < MOST_KEPT && !kept.has(jobId)) kept.set(jobId, inputs);
      else await inputs[Symbol.asyncDispose]();
    },
    take(jobId) {
      const inputs = kept.get(jobId) ?? null;
      kept.delete(jobId);
      return inputs;
    },
    async close() {
      clearInterval(timer);
      const left = [...kept.values()];
      kept.clear();
      await Promise.all(left.map((inputs) => inputs[Symbol.asyncDispose]()));
    },
  };
}
