import { execFile } from 'node:child_process';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as z from 'zod';
import type { TestMinio } from './minio.ts';
import { eventually } from './product.ts';
import { startTestRedis, type TestRedis } from './redis.ts';

/** Runs the commands of docs/redis.md and docs/operations.md. Those for S3 are done with an S3 client instead. */

/** Runs `redis-cli` like an operator, and returns its output. */
async function redisCli({ port }: TestRedis, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('redis-cli', ['-p', String(port), ...args]);
  return stdout;
}

async function untilRewritten(redis: TestRedis) {
  await eventually(
    async () =>
      /aof_rewrite_in_progress:0\r[\s\S]*aof_rewrite_scheduled:0\r/.test(await redisCli(redis, 'INFO', 'persistence')),
    'the append-only file is not being rewritten',
  );
}

/** The ways to back up a Redis into a folder, and to start a new one from it. */
export interface RedisBackup {
  name: string;
  save(redis: TestRedis, to: string): Promise<void>;
  restore(from: string): Promise<TestRedis>;
}

export const snapshot: RedisBackup = {
  name: 'a snapshot (RDB)',
  async save(redis, to) {
    await redisCli(redis, '--rdb', join(to, 'dump.rdb'));
  },
  async restore(from) {
    // With the append-only file switched on, Redis would read only that file and start empty.
    const config = { appendonly: 'no' };
    const redis = await startTestRedis({ config, seed: (dir) => cp(join(from, 'dump.rdb'), join(dir, 'dump.rdb')) });
    await redisCli(redis, 'CONFIG', 'SET', 'appendonly', 'yes');
    await untilRewritten(redis);
    return redis;
  },
};

export const appendOnlyFile: RedisBackup = {
  name: 'the append-only file',
  async save(redis, to) {
    await redisCli(redis, 'CONFIG', 'SET', 'auto-aof-rewrite-percentage', '0');
    await untilRewritten(redis);
    await cp(join(redis.dir, 'appendonlydir'), join(to, 'appendonlydir'), { recursive: true });
    await redisCli(redis, 'CONFIG', 'SET', 'auto-aof-rewrite-percentage', '100');
  },
  restore: (from) =>
    startTestRedis({ seed: (dir) => cp(join(from, 'appendonlydir'), join(dir, 'appendonlydir'), { recursive: true }) }),
};

const versionSchema = z.looseObject({ name: z.string(), versionId: z.string(), isDeleteMarker: z.boolean() });

/** Restores all deleted objects of a bucket with versions by removing the deletion markers. Returns their number. */
export async function undelete({ admin }: TestMinio, bucket: string, prefix: string): Promise<number> {
  let count = 0;
  for await (const entry of admin.listObjects(bucket, prefix, true, { IncludeVersion: true })) {
    const { name, versionId, isDeleteMarker } = versionSchema.parse(entry);
    if (!isDeleteMarker) continue;
    await admin.removeObject(bucket, name, { versionId });
    count++;
  }
  return count;
}

/**
 * Like `mc mirror --preserve`: copies all objects of a bucket with their metadata to another server, and creates the
 * bucket there if it is missing. Returns the number of objects.
 */
export async function mirrorBucket(from: TestMinio, to: TestMinio, bucket: string): Promise<number> {
  if (!(await to.admin.bucketExists(bucket))) {
    await to.admin.makeBucket(bucket, to.region);
    await to.admin.setBucketVersioning(bucket, { Status: 'Enabled' });
  }
  let count = 0;
  for await (const { name } of from.admin.listObjectsV2(bucket, '', true)) {
    const { size, metaData } = await from.admin.statObject(bucket, name);
    await to.admin.putObject(bucket, name, await from.admin.getObject(bucket, name), size, metaData);
    count++;
  }
  return count;
}
