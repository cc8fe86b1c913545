import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Logger } from 'pino';
import { v7 } from 'uuid';
import { uploadKey } from '../artifacts/keys.ts';
import { anonymous } from '../callers/identity.ts';
import type { Config } from '../config/config.ts';
import { openCommandAudit } from '../observability/audit.ts';
import { closeRedis } from '../redis/connection.ts';
import { createKeys } from '../redis/keys.ts';
import { createUploads } from '../uploads/create-uploads.ts';
import { createRedisUploads } from '../uploads/redis/redis-uploads.ts';
import { reachRedis } from './operator-redis.ts';
import { createArtifacts } from './process-context.ts';

/** A person at a terminal should not wait longer for storage that is away. */
const STORE_TIMEOUT_MS = 10_000;

export interface LocalFile {
  path: string;
  contentType: string;
}

export interface UploadedFile {
  id: string;
  /** Until when it is kept at least if no job names it, in milliseconds since 1970. */
  keptUntil: number;
}

/**
 * Uploads files of this machine to an installation, each as a caller would by `createUpload`.
 * Rejects, with a message for the person at the terminal, when Redis cannot be reached within five seconds, or storage
 * within ten.
 */
export async function uploadFiles<File extends LocalFile>(
  config: Config,
  redisUrl: string,
  files: readonly File[],
  log: Logger,
): Promise<(File & UploadedFile)[]> {
  await using opened = new AsyncDisposableStack();
  const { prefix } = config.redis;
  const redis = opened.adopt(await reachRedis({ url: redisUrl, prefix, log }), closeRedis);
  const keys = createKeys(prefix);
  const folderId = config.s3 ? undefined : await redis.get(keys.artifactFolder);
  if (folderId === null) throw new Error('no gateway of this installation has a folder for artifacts yet');
  // Nobody gets the URLs that are signed, so these values do not matter.
  const unsigned = { publicUrl: 'http://127.0.0.1', signingSecret: randomBytes(32).toString('hex') };
  const artifacts = opened.adopt(await createArtifacts(config, { ...unsigned, folderId }), (each) => each.close());
  const audit = await openCommandAudit(config.auditLog);
  opened.defer(audit.flushed);
  const requestId = `operator-${v7()}`;
  const uploads = createUploads({
    audit,
    store: createRedisUploads(redis, keys),
    artifacts,
    maxBytes: config.inputs.maxBytes,
    newId: () => v7(),
    onRedisDown: () => undefined,
  });
  const signal = AbortSignal.timeout(STORE_TIMEOUT_MS);

  async function upload(local: File): Promise<File & UploadedFile> {
    const { path, contentType } = local;
    const bytes = await readFile(path);
    const file = { filename: basename(path), contentType, sizeBytes: bytes.length };
    const { id, expiresAt } = await uploads.create({ identity: anonymous, requestId, ...file });
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    await artifacts.put(uploadKey(id), { path, sha256, ...file }, { signal });
    return { ...local, id, keptUntil: expiresAt };
  }

  try {
    return await Promise.all(files.map(upload));
  } catch (cause) {
    if (!signal.aborted) throw cause;
    throw new Error('the storage of results did not answer: see `comfygate config`', { cause });
  }
}
