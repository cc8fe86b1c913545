import { isTerminal, type Job, type JobError } from '../../src/core/job.ts';
import type { Plan } from '../../src/core/plan.ts';
import type { ThrottledFault } from '../../src/observability/throttled.ts';
import type { AttemptParts } from '../attempt/attempt.ts';
import { JobFailure, Retry } from '../attempt/failures.ts';
import type { InputStock } from '../inputs/input-stock.ts';
import { type InputParts, type Inputs, openInputs } from '../inputs/open-inputs.ts';

export interface FetchParts extends InputParts, Pick<AttemptParts, 'store' | 'unconfirmed'> {
  stock: InputStock;
  /** Called with each job whose files could not be fetched for no fault of its own: it comes back until they can. */
  unfetched: ThrottledFault;
}

/** `delivery` is aborted when the delivery's lock is lost, `handover` when the worker must stop. */
export interface DeliverySignals {
  delivery: AbortSignal;
  handover: AbortSignal;
}

/** What became of the files, and with them of the job: see `Assignment`. */
export type Fetched =
  | { outcome: 'fetched'; inputs: Inputs }
  | { outcome: 'wait'; servers: string[] }
  | { outcome: 'later'; delayMs: number }
  | { outcome: 'fail'; error: JobError; cause?: unknown }
  | { outcome: 'claim' };

/**
 * Fetches the input files of a job that nobody has claimed yet. Its record says meanwhile whether they are still
 * wanted: a job in the queue is cancelled, or ended by its deadline, without its worker.
 */
export async function fetchInputs(
  job: Job,
  plan: Plan,
  { delivery, handover }: DeliverySignals,
  parts: FetchParts,
): Promise<Fetched> {
  const { stock, store, timings, unconfirmed, unfetched } = parts;
  const kept = stock.take(job.id);
  if (kept) return { outcome: 'fetched', inputs: kept };
  const turn = stock.begin(job.caller);
  if (!turn) return { outcome: 'wait', servers: [turnOf(job.caller)] };
  using _turn = turn;
  const over = new AbortController();
  const isOver = (now: Job | null) => !now || isTerminal(now.status) || now.cancelRequestedAt !== null;
  const looks = setInterval(() => {
    store.read(job.id).then(
      (now) => void (isOver(now) && over.abort()),
      (cause) => unconfirmed(cause, { jobId: job.id, requestId: job.requestId }),
    );
  }, timings.lease);
  const inputs = openInputs(plan, stock.share(job.caller), parts);
  try {
    await inputs.fetch(AbortSignal.any([delivery, handover, over.signal]));
    unfetched.over();
    return { outcome: 'fetched', inputs };
  } catch (cause) {
    await inputs[Symbol.asyncDispose]();
    if (delivery.aborted || handover.aborted) return { outcome: 'later', delayMs: 0 };
    if (over.signal.aborted) return { outcome: 'claim' };
    if (cause instanceof JobFailure) return { outcome: 'fail', error: cause.error, cause: cause.cause };
    if (cause instanceof Retry) {
      unfetched(cause, { jobId: job.id, requestId: job.requestId });
      return { outcome: 'later', delayMs: cause.delayMs ?? timings.storageBack };
    }
    throw cause;
  } finally {
    clearInterval(looks);
  }
}

/** What a job waits for whose caller has as many turns to fetch as may be. No server has such a name. */
export function turnOf(caller: string): string {
  return `a turn to fetch for ${caller}`;
}
