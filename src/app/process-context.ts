import { join } from 'node:path';
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import type { ArtifactStore } from '../artifacts/artifact-store.ts';
import { createTimedStore } from '../artifacts/timed-store.ts';
import { type Config, ConfigError } from '../config/config.ts';
import type { Outputs } from '../observability/outputs.ts';
import type { ProcessMetrics } from '../observability/process-metrics.ts';
import { type ConnectionRole, closeRedis, connectRedis, untilAnswered } from '../redis/connection.ts';
import { createKeys } from '../redis/keys.ts';
import type { InstalledWorkflows } from './follow-workflows.ts';
import type { Shutdown } from './shutdown.ts';

/** What a process has beyond its configuration, known once it has started. */
export interface ProcessContext {
  redisUrl: string;
  /** The origin of the URLs that the gateway signs itself: those of the folder driver and of variants. */
  publicUrl: string;
  /** Signs URLs of the folder driver. */
  signingSecret: string;
  metrics: ProcessMetrics;
  /** Both roles have the same: what is wrong with them is logged once. */
  workflows: InstalledWorkflows;
  log: Logger;
  outputs: Outputs;
  /** Everything that is started must be added here, so that it is stopped. */
  shutdown: Shutdown;
}

export const artifactFolder = (config: Config) => join(config.folder.dataDir, 'artifacts');

/** What all processes of an installation have in common, though each may have a data folder of its own. */
export const commonSecret = (config: Config, { signingSecret }: Pick<ProcessContext, 'signingSecret'>) =>
  config.folder.signingSecret ?? config.s3?.secretKey ?? signingSecret;

/** How often the health of the process is checked without a request, so that `since` in later reports is right. */
export const LOOK_EVERY_MS = 10_000;

/** Runs `act` in intervals until shutdown. `act` must not reject. */
export function every(ms: number, name: string, shutdown: Shutdown, act: () => Promise<unknown>): void {
  const timer = setInterval(() => void act(), ms);
  timer.unref();
  shutdown.add(name, () => clearInterval(timer));
}

export function openRedis(config: Config, context: ProcessContext, role: ConnectionRole) {
  const { redisUrl, log, metrics, shutdown } = context;
  const redis = connectRedis({ url: redisUrl, prefix: config.redis.prefix, role, log, onCall: metrics.redisCalled });
  shutdown.add(`redis ${role}`, () => closeRedis(redis));
  return redis;
}

/**
 * `redis` knows which folder results are in. `now` is the signing time of URLs. A worker leaves it out, since it signs
 * none.
 */
export async function openArtifacts(
  config: Config,
  context: ProcessContext,
  redis: Redis,
  now?: () => number,
): Promise<ArtifactStore> {
  const folderId = config.s3 ? undefined : await knownFolder(config, context.log, redis);
  const store = await createArtifacts(config, { ...context, folderId }, now);
  const artifacts = createTimedStore(store, context.metrics.storageCalled);
  context.shutdown.add('artifacts', () => artifacts.close());
  return artifacts;
}

/**
 * The id of the folder that this installation's results are in, from its first start on. Then the folder must be there:
 * later ones wait for its disk.
 */
async function knownFolder(config: Config, log: Logger, redis: Redis): Promise<string> {
  const { artifactFolder: key } = createKeys(config.redis.prefix);
  const known = await untilAnswered(redis, log, () => redis.get(key));
  if (known !== null) return known;
  const { markFolder } = await import('../artifacts/folder/folder-id.ts');
  const id = await markFolder(artifactFolder(config)).catch((error: Error) => {
    throw new ConfigError([`DATA_DIR: expected a folder that this user can write: ${error.message}`]);
  });
  return untilAnswered(redis, log, async () => {
    await redis.set(key, id, 'NX');
    return (await redis.get(key)) ?? id;
  });
}

/**
 * Creates the store that the configuration names, without metrics; the caller closes it. `now` is the signing time of
 * URLs. Only the driver that is needed is loaded: that of S3 takes a sixth of a gateway's start.
 */
export async function createArtifacts(
  config: Config,
  {
    publicUrl,
    signingSecret,
    folderId,
  }: Pick<ProcessContext, 'publicUrl' | 'signingSecret'> & { folderId?: string | undefined },
  now: () => number = Date.now,
): Promise<ArtifactStore> {
  if (config.s3) {
    const { createS3Store } = await import('../artifacts/s3/s3.ts');
    return createS3Store({ ...config.s3, now });
  }
  const { createFolderStore } = await import('../artifacts/folder/folder.ts');
  return createFolderStore({ folder: artifactFolder(config), folderId, publicUrl, signingSecret, now });
}
