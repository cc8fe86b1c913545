import type { Redis } from 'ioredis';
import { jobOfArtifact } from '../../core/artifact-id.ts';
import type { Artifact } from '../../core/job.ts';
import { millisecondsOf } from '../../redis/clock.ts';
import type { Keys } from '../../redis/keys.ts';
import { results } from '../../redis/pipeline.ts';
import { parseArtifacts } from '../record.ts';

/** Reads of a job's record only what is asked for: its parameters may be a megabyte. */
export async function readArtifact(redis: Redis, keys: Keys, id: string): Promise<Artifact | null> {
  const jobId = jobOfArtifact(id);
  if (jobId === null) return null;
  const [fields, time] = (await results(
    redis.pipeline().hmget(keys.job(jobId), 'caller', 'artifacts', 'expiresAt').time(),
  )) as [(string | null)[], string[]];
  const kept = parseArtifacts(fields);
  const artifact = kept?.artifacts.find((each) => each.id === id);
  if (!kept || !artifact || (kept.expiresAt ?? Number.POSITIVE_INFINITY) <= millisecondsOf(time)) return null;
  return artifact;
}
