import type { ArtifactStore } from '../artifacts/artifact-store.ts';
import { jobPrefix } from '../artifacts/keys.ts';
import { createOwnedWork } from '../async/owned-work.ts';
import { TooManyWaitingError } from '../async/semaphore.ts';
import { GatewayError, notFound, unavailable } from '../core/errors.ts';
import { isTerminal, type Job } from '../core/job.ts';
import { isUuid } from '../core/uuid.ts';
import { type Audit, type AuditedCall, audited, type CallOutcome, noAudit } from '../observability/audit.ts';
import { isRedisDown, whyRedisFails } from '../redis/is-down.ts';
import { type Accepted, type AcceptOptions, createAccept } from './accept-job.ts';
import { createGenerate, type GenerateOptions } from './generate.ts';
import type { Jobs, WaitOptions } from './jobs.ts';
import { createListJobs } from './list-jobs.ts';
import { createQueuePositions } from './queue-positions.ts';
import { createRetry } from './retry.ts';

export interface JobsOptions extends Omit<GenerateOptions, 'accept'>, AcceptOptions {
  artifacts: Pick<ArtifactStore, 'removePrefix'>;
  /** Called with the reason why a call was answered UNAVAILABLE. */
  onRedisDown: (error: unknown) => void;
  /** Who did what. Default: none is kept. */
  audit?: Audit;
}

const REMOVE_TIMEOUT_MS = 10_000;

/** Of one client. A record may be a megabyte and a page four, and on Redis's connection they hold up everybody's. */
const READS_AT_ONCE = 8;
const MOST_WAITING = 1_000;
/** Together with the time for one read it keeps within the 3 s in which an outage is told. */
const WAIT_MS = 1_000;

/** What callers may do with jobs, on the record and the queue. */
export function createJobs(options: JobsOptions): Jobs {
  const { store, queue, artifacts, longPoll, audit = noAudit } = options;
  const accept = createAccept(options);
  const generate = createGenerate({ ...options, accept });
  const retry = createRetry({ ...options, accept, own });
  const list = createListJobs(store);
  const positionOf = createQueuePositions(store);

  const reads = createOwnedWork({ atOnce: READS_AT_ONCE, waiting: MOST_WAITING, waitMs: WAIT_MS });
  /** What was asked for in this tick: one operation may name a job under many names. */
  const asked = new Map<string, Promise<Job | null>>();

  function read(id: string, client: string): Promise<Job | null> {
    const key = `${client} ${id}`;
    const known = asked.get(key);
    if (known) return known;
    const job = reads.run(client, () => store.get(id));
    asked.set(key, job);
    process.nextTick(() => asked.delete(key));
    return job;
  }

  async function own(caller: string, id: string, client = caller): Promise<Job | null> {
    const job = isUuid(id) ? await read(id, client) : null;
    return job?.caller === caller ? job : null;
  }

  async function get(caller: string, id: string, wait?: WaitOptions): Promise<Job | null> {
    if (!wait?.waitSeconds) return own(caller, id, wait?.client);
    const { waitSeconds, signal, client = caller } = wait;
    using held = longPoll.begin({ caller, client, waitSeconds, signal });
    let job: Job | null = null;
    try {
      job = await own(caller, id, client);
      if (!job || isTerminal(job.status)) return job;
    } catch (error) {
      // Whoever watches waits until Redis is back.
      if (!isRedisDown(error)) throw error;
    }
    try {
      return (await held.untilEnded(id)) ?? job ?? (await own(caller, id, client));
    } catch (error) {
      // Removed while it was waited for, or never there.
      if (error instanceof GatewayError && error.details.code === 'NOT_FOUND') return null;
      throw error;
    }
  }

  async function cancel(caller: string, id: string, client?: string): Promise<Job> {
    if (!(await own(caller, id, client))) throw notFound('job');
    const job = await store.requestCancel(id);
    if (!job) throw notFound('job');
    // Only tidying: a ticket whose job has ended is dropped when it is delivered.
    if (job.status === 'CANCELED' && job.ticket !== null) await queue.remove(job.ticket).catch(() => undefined);
    return job;
  }

  async function remove(caller: string, id: string, client?: string): Promise<void> {
    const job = await own(caller, id, client);
    if (!job) throw notFound('job');
    if (!isTerminal(job.status)) {
      throw new GatewayError(`the job is ${job.status}: cancel it first, or wait for its end`, { code: 'CONFLICT' });
    }
    try {
      await artifacts.removePrefix(jobPrefix(id), { signal: AbortSignal.timeout(REMOVE_TIMEOUT_MS) });
    } catch (error) {
      throw unavailable('the artifact storage cannot be reached', 10, error);
    }
    await store.remove(id);
  }

  /** Answers UNAVAILABLE where Redis is away. */
  async function guarded<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof TooManyWaitingError) {
        throw unavailable('too many jobs are being read at once for your address', 1, error);
      }
      if (!isRedisDown(error)) throw error;
      options.onRedisDown(error);
      throw unavailable(whyRedisFails(error), 2, error);
    }
  }

  /** The same for a call that has an entry in the audit log: with the code that it was answered with. */
  const recorded = <T>(call: AuditedCall, work: (record: (outcome: CallOutcome) => void) => Promise<T>) =>
    audited(audit, call, (record) => guarded(() => work(record)));

  return {
    generate(request) {
      const { caller, requestId, address, workflow } = request;
      return recorded({ action: 'generate', caller, requestId, address, workflow: workflow.name }, (record) =>
        generate(request, (accepted) => record(acceptanceOf(accepted))),
      );
    },
    retry({ address, ...request }) {
      const { caller, requestId, id } = request;
      return recorded({ action: 'retry', caller, requestId, address, retryOf: id }, async (record) => {
        const accepted = await retry(request);
        record(acceptanceOf(accepted));
        return accepted;
      });
    },
    cancel: (caller, id, requestId, address, client) =>
      recorded({ action: 'cancel', caller, requestId, address, jobId: id }, () => cancel(caller, id, client)),
    remove: (caller, id, requestId, address, client) =>
      recorded({ action: 'delete', caller, requestId, address, jobId: id }, () => remove(caller, id, client)),
    get: (caller, id, wait) => guarded(() => get(caller, id, wait)),
    list: (request) => guarded(() => reads.run(request.client ?? request.caller, () => list(request))),
    queuePosition: (job) => guarded(async () => (job.status === 'QUEUED' ? positionOf(job.id) : null)),
  };
}

const acceptanceOf = ({ job, replayed }: Accepted): CallOutcome => ({
  outcome: replayed ? 'replayed' : 'accepted',
  jobId: job.id,
  workflow: job.workflow,
});
