import type { Redis } from 'ioredis';
import { isTerminal, type Job, jobStatuses } from '../../core/job.ts';
import type { MoveName } from '../../core/moves.ts';
import { millisecondsOf } from '../../redis/clock.ts';
import type { Keys } from '../../redis/keys.ts';
import { results } from '../../redis/pipeline.ts';
import { type ScriptReply, strings } from '../../redis/scripts.ts';
import type { Change, WorkerJobStore } from '../job-store.ts';
import { fieldsOf, parseRecord } from '../record.ts';
import { type AddTicket, loadFairScript, ticketOf } from './fair.ts';
import { readArtifact } from './read-artifact.ts';
import { createTransition } from './transition.ts';

function moveOf(change: Change): { move: MoveName; set: Partial<Job> } {
  switch (change.move) {
    case 'submit':
      return { move: 'submit', set: { submission: change.submission } };
    case 'progress':
      return { move: 'progress', set: { progress: change.progress, waits: false } };
    case 'output':
      return { move: 'output', set: { artifacts: change.artifacts, waits: false } };
    case 'retry':
      // The next attempt makes its own.
      return { move: change.counts ? 'retry' : 'putBack', set: { artifacts: [] } };
    case 'succeed':
      return {
        move: 'succeed',
        set: { artifacts: change.artifacts, progress: change.progress, timings: change.timings },
      };
    case 'fail': {
      const { move, ...set } = change;
      return { move, set };
    }
    case 'cancel':
      return { move: 'cancel', set: {} };
  }
}

/** Undefined where nothing was measured. What a ComfyUI had already took it no time. */
function measuredMs(change: Change): number | undefined {
  if (!('timings' in change) || change.timings.length === 0) return undefined;
  return Math.round(change.timings.reduce((sum, { ms, cached }) => (cached ? sum : sum + ms), 0));
}

/**
 * The worker's side of the record. `redis` is a durable connection: calls wait out an outage. `addTicket`: default, the
 * sweeper adds what is wanted.
 */
export function createRedisWorkerStore(
  redis: Redis,
  keys: Keys,
  retentionMs: number,
  addTicket?: AddTicket,
): WorkerJobStore {
  const transition = createTransition(redis, keys, retentionMs, addTicket);
  const pickScript = loadFairScript('./pick.lua');
  const parkScript = loadFairScript('./park.lua');
  const adoptScript = loadFairScript('./adopt.lua');

  /** Nobody waits for it: see `AddTicket`. */
  function add(reply: ScriptReply | undefined) {
    const ticket = ticketOf(reply);
    if (ticket !== null) void addTicket?.(ticket);
  }

  return {
    async pick(ticket) {
      const reply = await pickScript(redis, [keys.fair('ready')], [keys.tag, ticket]);
      if (!Array.isArray(reply)) throw new Error('pick.lua answered something else than a list');
      const [record, further] = reply;
      add(further);
      const fields = record === null ? {} : fieldsOf(strings(record));
      const job = parseRecord(fields);
      return job && { job, sealedApiKey: fields.sealedApiKey ?? null };
    },

    async park(jobId) {
      add(await parkScript(redis, [keys.job(jobId)], [keys.tag, jobId]));
    },

    async adopt(jobId) {
      add(await adoptScript(redis, [keys.job(jobId)], [keys.tag, jobId]));
    },

    async read(jobId) {
      return parseRecord(await redis.hgetall(keys.job(jobId)));
    },

    async claim(jobId, submission = null) {
      const request = { id: jobId, move: 'claim', set: { waits: true }, submission } as const;
      const claimed = await transition(request, { withRecord: true });
      if (claimed.outcome === 'gone' || claimed.outcome === 'lost') return { outcome: 'gone' };
      const job = claimed.outcome === 'done' ? claimed.job : parseRecord(await redis.hgetall(keys.job(jobId)));
      if (!job) return { outcome: 'gone' };
      if (isTerminal(job.status)) return { outcome: 'ended', job, now: claimed.outcome === 'done' };
      return { outcome: 'claimed', job, submitted: claimed.outcome === 'done' && claimed.submitted };
    },

    async move(jobId, lease, change) {
      const moved = await transition({ id: jobId, lease, ...moveOf(change), gpuUsedMs: measuredMs(change) });
      if (moved.outcome === 'gone' || moved.outcome === 'lost') return { outcome: 'lost' };
      if (moved.outcome === 'refused') {
        // A fenced move is refused under its own lease only when the job has ended, or was put back by a resent
        // command.
        if (!isTerminal(moved.status)) return { outcome: 'lost' };
        const error = parseRecord(await redis.hgetall(keys.job(jobId)))?.error ?? null;
        return { outcome: 'ended', status: moved.status, error };
      }
      return { outcome: 'done', status: moved.status, cancelRequested: moved.cancelRequested };
    },

    async lease(jobId, lease) {
      const [record, time, previewed] = (await results(
        redis
          .pipeline()
          .hmget(keys.job(jobId), 'status', 'lease', 'cancelRequestedAt', 'deadlineAt')
          .time()
          .exists(keys.previewed(jobId)),
      )) as [string[], string[], number];
      const [text, held, cancelRequestedAt, deadlineAt] = record;
      const status = jobStatuses.find((known) => known === text);
      if (!status || Number(held) !== lease) return { state: 'lost' };
      if (isTerminal(status)) return { state: 'ended', status };
      if (status === 'QUEUED') return { state: 'lost' };
      return {
        state: 'held',
        cancelRequested: cancelRequestedAt !== '',
        previews: previewed === 1,
        deadlineAt: Number(deadlineAt),
        now: millisecondsOf(time),
      };
    },

    artifact: (id) => readArtifact(redis, keys, id),

    template: (hash) => redis.get(keys.template(hash)),
  };
}
