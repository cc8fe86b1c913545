import type { ArtifactStore } from '../artifacts/artifact-store.ts';
import { jobPrefix } from '../artifacts/keys.ts';
import { createOwnedWork } from '../async/owned-work.ts';
import { TooManyWaitingError } from '../async/semaphore.ts';
import { auditedAs, type Identity } from '../callers/identity.ts';
import { limitsOf } from '../callers/plans.ts';
import { GatewayError, notFound, unavailable } from '../core/errors.ts';
import { isTerminal, type Job } from '../core/job.ts';
import { isUuid } from '../core/uuid.ts';
import { type Audit, type AuditedCall, audited, type CallOutcome, noAudit } from '../observability/audit.ts';
import { isRedisDown, whyRedisFails } from '../redis/is-down.ts';
import { type Accepted, type AcceptOptions, createAccept } from './accept-job.ts';
import { createMegapixelCheck } from './check-plan.ts';
import type { EstimateGpu } from './estimate-gpu.ts';
import { createGenerate, type GenerateOptions } from './generate.ts';
import type { Jobs, WaitOptions } from './jobs.ts';
import { createListJobs } from './list-jobs.ts';
import { createQueuePositions } from './queue-positions.ts';
import { createRetry } from './retry.ts';

export interface JobsOptions extends Omit<GenerateOptions, 'accept'>, AcceptOptions {
  estimateGpu: EstimateGpu;
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
  const checks = [...options.checks, createMegapixelCheck()];
  const accept = createAccept({ ...options, checks });
  const generate = createGenerate({ ...options, accept, checks });
  const retry = createRetry({ ...options, accept, own });
  const list = createListJobs(store, options.seal);
  const positionOf = createQueuePositions(store);

  const reads = createOwnedWork({ atOnce: READS_AT_ONCE, waiting: MOST_WAITING, waitMs: WAIT_MS });
  /** What was asked for in this tick: one operation may name a job under many names. */
  const asked = new Map<Identity, Map<string, Promise<Job | null>>>();

  function askedBy(identity: Identity): Map<string, Promise<Job | null>> {
    const known = asked.get(identity);
    if (known) return known;
    const jobs = new Map<string, Promise<Job | null>>();
    asked.set(identity, jobs);
    process.nextTick(() => asked.delete(identity));
    return jobs;
  }

  async function own(identity: Identity, id: string, client = identity.caller): Promise<Job | null> {
    if (!isUuid(id)) return null;
    const jobs = askedBy(identity);
    const key = `${client} ${id}`;
    const known = jobs.get(key);
    if (known) return known;
    const job = reads.run(client, () => store.own(identity, id));
    jobs.set(key, job);
    return job;
  }

  async function get(identity: Identity, id: string, wait?: WaitOptions): Promise<Job | null> {
    if (!wait?.waitSeconds) return own(identity, id, wait?.client);
    const { waitSeconds, signal, client = identity.caller } = wait;
    using held = longPoll.begin({ identity, client, waitSeconds, signal });
    let job: Job | null = null;
    try {
      job = await own(identity, id, client);
      if (!job || isTerminal(job.status)) return job;
    } catch (error) {
      // Whoever watches waits until Redis is back.
      if (!isRedisDown(error)) throw error;
    }
    try {
      return (await held.untilEnded(id)) ?? job ?? (await own(identity, id, client));
    } catch (error) {
      // Removed while it was waited for, or never there.
      if (error instanceof GatewayError && error.details.code === 'NOT_FOUND') return null;
      throw error;
    }
  }

  async function cancel(identity: Identity, id: string, client?: string): Promise<Job> {
    if (!(await own(identity, id, client))) throw notFound('job');
    const job = await store.requestCancel(id);
    if (!job) throw notFound('job');
    // Only tidying: a ticket whose job has ended is dropped when it is delivered.
    if (job.status === 'CANCELED' && job.ticket !== null) await queue.remove(job.ticket).catch(() => undefined);
    return job;
  }

  async function remove(identity: Identity, id: string, client?: string): Promise<void> {
    const job = await own(identity, id, client);
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
      const { identity, requestId, address, workflow } = request;
      const call = { ...auditedAs(identity), requestId, address, workflow: workflow.name };
      return recorded({ action: 'generate', ...call }, (record) =>
        generate(request, (accepted) => record(acceptanceOf(accepted))),
      );
    },
    retry({ address, ...request }) {
      const { identity, requestId, id } = request;
      return recorded({ action: 'retry', ...auditedAs(identity), requestId, address, retryOf: id }, async (record) => {
        const accepted = await retry(request);
        record(acceptanceOf(accepted));
        return accepted;
      });
    },
    cancel: (identity, id, requestId, address, client) =>
      recorded({ action: 'cancel', ...auditedAs(identity), requestId, address, jobId: id }, () =>
        cancel(identity, id, client),
      ),
    remove: (identity, id, requestId, address, client) =>
      recorded({ action: 'delete', ...auditedAs(identity), requestId, address, jobId: id }, () =>
        remove(identity, id, client),
      ),
    get: (identity, id, wait) => guarded(() => get(identity, id, wait)),
    list: (request) => guarded(() => reads.run(request.client ?? request.identity.caller, () => list(request))),
    ownsAll: (identity, ids) => guarded(async () => [...ids].every(isUuid) && store.ownsAll(identity, ids)),
    limits: (identity) =>
      guarded(async () => {
        const limits = limitsOf(options.plans.of(identity));
        return limits ? store.limits(identity.caller, limits) : [];
      }),
    queuePosition: (job) => guarded(async () => (job.status === 'QUEUED' ? positionOf(job.id) : null)),
  };
}

const acceptanceOf = ({ job, replayed }: Accepted): CallOutcome => ({
  outcome: replayed ? 'replayed' : 'accepted',
  jobId: job.id,
  workflow: job.workflow,
});
