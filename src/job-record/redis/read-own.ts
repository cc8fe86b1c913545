import type { Redis } from 'ioredis';
import type { Sight } from '../../callers/identity.ts';
import { jobOfArtifact } from '../../core/artifact-id.ts';
import type { Artifact, Job } from '../../core/job.ts';
import { millisecondsOf } from '../../redis/clock.ts';
import type { Keys } from '../../redis/keys.ts';
import { loadScript, type ScriptReply, strings } from '../../redis/scripts.ts';
import { fieldsOf, parseArtifacts, parseRecord } from '../record.ts';

const readScript = loadScript(new URL('./read-own.lua', import.meta.url));

async function read(redis: Redis, keys: Keys, { caller, watch }: Sight, id: string, fields: string[] = []) {
  // Who holds a watch token knows its jobs: whether there is any other cannot be told by what is not even asked.
  if (watch?.jobs && !watch.jobs.has(id)) return [];
  const reply = await readScript(redis, [keys.job(id)], [caller, watch?.tag ?? '', ...fields]);
  if (!Array.isArray(reply)) throw new Error('read-own.lua answered something else than a list');
  return reply;
}

/** The job of this id; null when there is none that may be seen. */
export async function readOwn(redis: Redis, keys: Keys, sight: Sight, id: string): Promise<Job | null> {
  return parseRecord(fieldsOf(strings(await read(redis, keys, sight, id))));
}

/** Whether there is a job of this id that may be seen. */
export async function isOwn(redis: Redis, keys: Keys, sight: Sight, id: string): Promise<boolean> {
  return (await read(redis, keys, sight, id, ['id'])).length > 0;
}

const textOf = (reply: ScriptReply | undefined) => (typeof reply === 'string' ? reply : null);

/** The artifact of this id; null when there is none of a job that may be seen, or it has expired. */
export async function readOwnArtifact(redis: Redis, keys: Keys, sight: Sight, id: string): Promise<Artifact | null> {
  const jobId = jobOfArtifact(id);
  if (jobId === null) return null;
  const [fields, time] = await Promise.all([
    read(redis, keys, sight, jobId, ['caller', 'artifacts', 'expiresAt']),
    redis.time(),
  ]);
  const kept = parseArtifacts(fields.length ? fields.map(textOf) : [null]);
  if (!kept || (kept.expiresAt ?? Number.POSITIVE_INFINITY) <= millisecondsOf(time)) return null;
  return kept.artifacts.find((each) => each.id === id) ?? null;
}
