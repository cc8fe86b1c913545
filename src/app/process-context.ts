import { join } from 'node:path';
import type { Logger } from 'pino';
import type { ArtifactStore } from '../artifacts/artifact-store.ts';
import { createTimedStore } from '../artifacts/timed-store.ts';
import type { Config } from '../config/config.ts';
import type { Outputs } from '../observability/outputs.ts';
import type { ProcessMetrics } from '../observability/process-metrics.ts';
import { type ConnectionRole, closeRedis, connectRedis } from '../redis/connection.ts';
import type { WorkflowCatalogue } from '../workflows/catalogue.ts';
import { createArtifactStore } from './create-artifact-store.ts';
import type { Shutdown } from './shutdown.ts';

/** What the configuration leaves open and the start has found out. */
export interface ProcessContext {
  redisUrl: string;
  /** The origin of signed addresses of the gateway's own: of the folder driver, and of variants. */
  publicUrl: string;
  /** Of the folder driver. */
  signingSecret: string;
  /** Of the whole process. */
  metrics: ProcessMetrics;
  log: Logger;
  outputs: Outputs;
  /** Gets a way to stop each thing that is started. */
  shutdown: Shutdown;
}

export const artifactFolder = (config: Config) => join(config.folder.dataDir, 'artifacts');

/** What nobody asks about is looked at all the same, so that `since` is right. */
export const LOOK_EVERY_MS = 10_000;

/** `act` never rejects. */
export function every(ms: number, name: string, shutdown: Shutdown, act: () => Promise<unknown>): void {
  const timer = setInterval(() => void act(), ms);
  timer.unref();
  shutdown.add(name, () => clearInterval(timer));
}

export const namesIn = ({ workflows }: WorkflowCatalogue) => workflows.map(({ name }) => name);

export function openRedis(config: Config, context: ProcessContext, role: ConnectionRole) {
  const { redisUrl, log, metrics, shutdown } = context;
  const redis = connectRedis({ url: redisUrl, prefix: config.redis.prefix, role, log, onCall: metrics.redisCalled });
  shutdown.add(`redis ${role}`, () => closeRedis(redis));
  return redis;
}

/** `now` dates signed addresses; a worker makes none. */
export function openArtifacts(config: Config, context: ProcessContext, now?: () => number): ArtifactStore {
  const artifacts = createTimedStore(createArtifacts(config, context, now), context.metrics.storageCalled);
  context.shutdown.add('artifacts', () => artifacts.close());
  return artifacts;
}

/** Not timed and not yet to be closed. `now` dates signed addresses. */
export function createArtifacts(
  config: Config,
  { publicUrl, signingSecret }: Pick<ProcessContext, 'publicUrl' | 'signingSecret'>,
  now?: () => number,
): ArtifactStore {
  return createArtifactStore(
    config.s3
      ? { driver: 's3', ...config.s3 }
      : { driver: 'folder', folder: artifactFolder(config), publicUrl, signingSecret },
    now,
  );
}
