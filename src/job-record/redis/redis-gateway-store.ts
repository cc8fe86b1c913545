import type { Redis } from 'ioredis';
import { sha256 } from '../../core/canonical-json.ts';
import { isTerminal, type Job } from '../../core/job.ts';
import type { JobLimits } from '../../core/limits.ts';
import { millisecondsOf } from '../../redis/clock.ts';
import { CHANGES_LIFE_MS, type Keys } from '../../redis/keys.ts';
import { createMemoryRoom } from '../../redis/memory.ts';
import { results } from '../../redis/pipeline.ts';
import { loadScript, type ScriptReply, strings } from '../../redis/scripts.ts';
import type { GatewayJobStore, JobKey, LimitedOutcome, MadeOutcome, NewJob } from '../job-store.ts';
import { fieldsOf, formatFields, parseRecord } from '../record.ts';
import { type AddTicket, loadFairScript, ticketOf } from './fair.ts';
import { pageOfIds, readJobs } from './job-page.ts';
import { fieldsOfAll, fieldsOfNew } from './new-record.ts';
import { planArguments, readLeft, readLimited, readLimits } from './plan-use.ts';
import { isOwn, readOwn, readOwnArtifact } from './read-own.ts';
import { createTransition } from './transition.ts';

export interface GatewayStoreOptions {
  redis: Redis;
  keys: Keys;
  retentionMs: number;
  /** An idempotency entry lives at least so long. */
  idempotencyTtlMs: number;
  /** Jobs are refused when no ComfyUI has been seen for so long. */
  noBackendGraceMs: number;
  /** Bytes that a client's jobs may take until they have ended. Default: 256 MiB. */
  maxOpenBytes?: number;
  /** Default: the sweeper adds what is wanted. */
  addTicket?: AddTicket;
  /** Called with a job that a cancel has ended here, before any worker had it. */
  onEnded?: (job: Job) => void;
}

/**
 * What a job takes of Redis besides the fields that its caller fills: log, idempotency key, indexes, delivery. Measured
 * with the settings of docs/operations.md, and rounded up.
 */
const OWN_BYTES = 4_096;
/** 55,000 jobs of a short prompt, or 255 of a graph of a megabyte. */
const MAX_OPEN_BYTES = 256 * 1024 * 1024;
/**
 * All that is kept of a client may take so many times what Redis has left for jobs. Who is alone gets four fifths of
 * it, and whoever comes then, four fifths of the rest: nobody can take the room of others.
 */
const TIMES_ROOM = 4;

/** Each takes up to a millisecond, in which nobody else is served. */
const POSITIONS_AT_ONCE = 50;

/** Of a job that nobody has estimated, as fair.lua has it. */
const USUAL_GPU_MS = 1_000;

/** What accept.lua says of a call whose key is used, or that does not fit its caller's limits. */
function madeOf(reply: ScriptReply[], limits: JobLimits | null): MadeOutcome | LimitedOutcome {
  const [outcome, value, ticket] = reply;
  if (outcome === 'limited' && limits) return { outcome, ...readLimited(reply, limits) };
  if (outcome === 'reused' || outcome === 'deleted') return { outcome, jobId: String(value) };
  const job = outcome === 'replayed' ? parseRecord(fieldsOf(strings(value))) : null;
  if (outcome !== 'replayed' || !job) throw new Error(`accept.lua answered ${String(outcome)}`);
  return { outcome, job, ticket: ticketOf(ticket) };
}

/** The gateway's side of the record. `redis` is a request connection: calls fail fast. */
export function createRedisGatewayStore(options: GatewayStoreOptions): GatewayJobStore {
  const { redis, keys } = options;
  const acceptScript = loadFairScript('./accept.lua');
  const positionsScript = loadFairScript('./positions.lua');
  const removeScript = loadScript(new URL('./remove.lua', import.meta.url));
  const room = createMemoryRoom(redis);
  const transition = createTransition(redis, keys, options.retentionMs, options.addTicket);

  const entryOf = ({ caller, idempotencyKey }: Pick<NewJob, 'caller' | 'idempotencyKey'>) =>
    keys.idempotency(caller, sha256(idempotencyKey));

  const keysOf = (key: Pick<JobKey, 'caller' | 'idempotencyKey'>, id: string, template: string) => [
    entryOf(key),
    keys.job(id),
    keys.events(id),
    keys.jobs(key.caller),
    keys.jobs(key.caller, 'QUEUED'),
    keys.open,
    keys.status('QUEUED'),
    keys.seen,
    template,
    keys.changes(key.caller),
    keys.bytesOf('open'),
    keys.bytesOf('kept'),
    keys.plan(key.caller),
    keys.reserved,
  ];

  /** What the key has made. A request that is given none is counted. */
  async function count(key: JobKey, limits: JobLimits): Promise<MadeOutcome | LimitedOutcome | null> {
    const ofJob = Array<string>(12).fill('');
    const reply = await acceptScript(redis, keysOf(key, '', keys.job('')), [
      ...[keys.tag, '', key.fingerprint, ...ofJob],
      ...planArguments(key.caller, limits, 0),
    ]);
    if (!Array.isArray(reply)) throw new Error('accept.lua answered something else than a list');
    return reply[0] === 'none' ? null : madeOf(reply, limits);
  }

  async function runAccept(job: NewJob): Promise<ScriptReply[]> {
    // As long as a record may name it, so that the job can be run again.
    const templateLifeMs = Math.max(options.idempotencyTtlMs, job.deadlineMs + options.retentionMs);
    // No part of the job as others read it, and removed by transition.lua with its end.
    const secret = job.sealedApiKey ? ['sealedApiKey', job.sealedApiKey] : [];
    const { limits = null, gpuMs = limits ? USUAL_GPU_MS : undefined, weight = limits?.weight } = job;
    const fields = [...formatFields(fieldsOfNew(job)), ...secret];
    // For fair share and what is settled at its end. A weight of 1 is the usual one.
    if (gpuMs !== undefined) fields.push('gpuMs', String(gpuMs));
    if (weight !== undefined && weight !== 1) fields.push('weight', String(weight));
    const bytes = fields.reduce((sum, field) => sum + Buffer.byteLength(field), OWN_BYTES);
    const reply = await acceptScript(
      redis,
      keysOf(job, job.id, job.template ? keys.template(job.template.hash) : keys.job(job.id)),
      [
        keys.tag,
        job.id,
        job.fingerprint,
        job.deadlineMs,
        Math.max(options.idempotencyTtlMs, job.keyLifeMs ?? 0),
        options.noBackendGraceMs,
        job.template ? templateLifeMs : '',
        CHANGES_LIFE_MS,
        job.retryOf ?? '',
        job.onlyListed ? '1' : '',
        // Not the address itself, which is nobody's business.
        job.client === null ? '' : sha256(job.client).slice(0, 16),
        bytes,
        options.maxOpenBytes ?? MAX_OPEN_BYTES,
        await room.left(),
        TIMES_ROOM,
        ...planArguments(job.caller, limits, gpuMs ?? USUAL_GPU_MS),
        ...fields,
      ],
    );
    if (!Array.isArray(reply)) throw new Error('accept.lua answered something else than a list');
    if (reply[0] === 'template' && job.template) {
      // NX: another gateway may have stored it meanwhile, for longer.
      await redis.set(keys.template(job.template.hash), job.template.text, 'PX', templateLifeMs, 'NX');
      return runAccept(job);
    }
    if (reply[0] === 'created') room.take(bytes);
    return reply;
  }

  return {
    async accept(job) {
      const reply = await runAccept(job);
      const [outcome, value, third, fourth] = reply;
      const { limits = null } = job;
      switch (outcome) {
        case 'created': {
          const createdAt = Number(value);
          const deadlineAt = createdAt + job.deadlineMs;
          return {
            outcome,
            job: { ...fieldsOfNew(job), ...fieldsOfAll(), createdAt, deadlineAt },
            ticket: ticketOf(third),
            ...(limits && { left: readLeft(fourth, limits) }),
          };
        }
        case 'replayed': {
          const made = madeOf(reply, limits);
          // ioredis sends a command again whose answer was lost: then this very call made it.
          return 'job' in made && made.job.id === job.id ? { ...made, outcome: 'created' } : made;
        }
        case 'reused':
        case 'deleted':
        case 'limited':
          return madeOf(reply, limits);
        case 'unlisted':
          return { outcome };
        case 'refused':
          return { outcome, unseenMs: Number(value) };
        case 'full':
          return value === 'redis'
            ? { outcome }
            : { outcome: 'tooMany', jobs: value === 'open' ? 'open' : 'kept', bytes: Number(third) };
        default:
          throw new Error(`accept.lua answered ${String(outcome)}`);
      }
    },

    async madeBy(key) {
      const [id, fingerprint] = await redis.hmget(entryOf(key), 'id', 'fingerprint');
      if (!id) return null;
      if (fingerprint !== key.fingerprint) return { outcome: 'reused', jobId: id };
      const [record, spare] = (await results(
        redis.pipeline().hgetall(keys.job(id)).zscore(keys.fair('spare'), id),
      )) as [Record<string, string>, string | null];
      const job = parseRecord(record);
      if (!job) return { outcome: 'deleted', jobId: id };
      return { outcome: 'replayed', job, ticket: spare !== null && job.status === 'QUEUED' ? id : null };
    },

    // No key is empty, so this one has made nothing.
    countRequest: (caller, limits, key) => count(key ?? { caller, idempotencyKey: '', fingerprint: '' }, limits),

    limits: (caller, limits) => readLimits(redis, keys, caller, limits),

    template: (hash) => redis.get(keys.template(hash)),

    async get(id) {
      return parseRecord(await redis.hgetall(keys.job(id)));
    },

    own: (sight, id) => readOwn(redis, keys, sight, id),

    async ownsAll(sight, ids) {
      const own = await Promise.all([...ids].map((id) => isOwn(redis, keys, sight, id)));
      return own.every(Boolean);
    },

    ownArtifact: (sight, id) => readOwnArtifact(redis, keys, sight, id),

    async requestCancel(id) {
      const moved = await transition({ id, move: 'requestCancel' }, { withRecord: true });
      if (moved.outcome === 'done' && moved.job) {
        if (isTerminal(moved.status)) options.onEnded?.(moved.job);
        return moved.job;
      }
      return parseRecord(await redis.hgetall(keys.job(id)));
    },

    async positions(ids) {
      const places: (number | null)[] = [];
      for (let from = 0; from < ids.length; from += POSITIONS_AT_ONCE) {
        const some = ids.slice(from, from + POSITIONS_AT_ONCE);
        const found = await positionsScript(redis, [keys.fair('ready')], [keys.tag, ...some]);
        if (!Array.isArray(found)) throw new Error('positions.lua answered something else than a list');
        places.push(...found.map((place) => (Number(place) < 0 ? null : Number(place))));
      }
      return places;
    },

    async page(query) {
      const ids = await pageOfIds(redis, keys, query);
      const { jobs, read } = await readJobs(redis, keys, ids.slice(0, query.first));
      return { jobs, more: ids.length > read };
    },

    async counts() {
      const [queued, running, oldest, time] = (await results(
        redis
          .pipeline()
          .zcard(keys.status('QUEUED'))
          .zcard(keys.status('RUNNING'))
          .zrange(keys.status('QUEUED'), 0, 0, 'WITHSCORES')
          .time(),
      )) as [number, number, string[], string[]];
      const oldestQueuedMs = oldest[1] ? Math.max(0, millisecondsOf(time) - Number(oldest[1])) : null;
      return { queued, running, oldestQueuedMs };
    },

    async remove(id) {
      await removeScript(redis, [keys.job(id), keys.events(id)], [keys.tag, id]);
    },
  };
}
