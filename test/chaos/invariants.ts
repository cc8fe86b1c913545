import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import type { Redis } from 'ioredis';
import { expect } from 'vitest';
import { promptIdOf } from '../../worker/comfyui/prompt.ts';
import { openFilesOf, residentBytes } from '../support/process-limits.ts';
import type { Applications } from './applications.ts';
import type { Installation } from './installation.ts';

/** What the invariants found, for the report. */
export interface Tally {
  acknowledged: number;
  /** Acknowledged, and without an end in its record. */
  lost: number;
  /** Keys with more than one job, and jobs with more than one end in their log. */
  doubled: number;
  /** Errors of those that did not succeed. */
  failed: string[];
  /** Prompts that the servers saw beyond one for each job: work that was done again after a crash. */
  repeatedPrompts: number;
}

const MOST_PROMPTS = 10;
const TERMINAL = ['SUCCEEDED', 'FAILED', 'CANCELED'];

/** Of a process that has nothing to do: none of its watchers, sockets or files is left. */
const IDLE_DESCRIPTORS = 80;
const IDLE_WITHIN = { timeout: 30_000, interval: 100 };
/** Beyond what a process holds at its start: what a busy heap has not given back yet. */
const IDLE_BYTES = 150 * 2 ** 20;

/**
 * I1 to I6 from what applications saw and what Redis and storage hold; logs of processes that have died (I5) are asked
 * by `openProduct`, when it closes, for the keys of the storage only. Throws where one does not hold.
 */
export async function checkInvariants(
  installation: Installation,
  { entries }: Pick<Applications, 'entries'>,
): Promise<Tally> {
  const { product, minio, allSimulators, gateways, workers, jobs, secrets, redisWire, startMemory } = installation;
  const { admin, keys } = product;
  const callers = [...installation.callers];
  const tally: Tally = { acknowledged: 0, lost: 0, doubled: 0, failed: [], repeatedPrompts: 0 };
  const prompts = new Map<string, number>();
  for (const id of allSimulators.flatMap(({ promptIds }) => [...new Set(promptIds)])) {
    prompts.set(id, (prompts.get(id) ?? 0) + 1);
  }

  const processes = [...gateways.map(({ process }) => process), ...workers];
  for (const { pid, output } of processes) {
    if (!existsSync(`/proc/${pid}`)) expect.fail(`a process has died: ${output().slice(-5_000)}`);
  }

  for (const { key, ids, end } of entries) {
    const [id] = ids;
    if (id === undefined) throw new Error(`key ${key} was never answered`);
    tally.acknowledged++;
    jobs.add(id);
    const record = await admin.hgetall(keys.job(id));
    const log = await admin.xrange(keys.events(id), '-', '+');
    const ended = log.filter(([, [, type]]) => TERMINAL.includes(type ?? ''));
    if (!TERMINAL.includes(record.status ?? '')) tally.lost++;
    if (ids.size > 1 || ended.length > 1) tally.doubled++;
    if (record.status !== 'SUCCEEDED') tally.failed.push(`${id} ${record.status} ${record.error}`);
    // I3: what the watcher saw last, once and in order (which `watching.end` has checked), is how it ended.
    expect(end?.type, `${id}: ${JSON.stringify(record.error)}`).toBe(record.status);
    const made = Array.from({ length: MOST_PROMPTS }, (_, i) => prompts.get(promptIdOf(id, i + 1)) ?? 0);
    tally.repeatedPrompts += Math.max(0, made.reduce((sum, each) => sum + each, 0) - 1);
    await expectStored(record.artifacts ?? '[]', minio);
  }

  expect(tally).toMatchObject({ lost: 0, doubled: 0 });
  // I2: whatever was asked for twice, or was not answered at first, there is one job for each key.
  const theirs = await Promise.all(callers.map((caller) => admin.zrange(keys.jobs(caller), 0, -1)));
  expect(new Set(theirs.flat())).toEqual(jobs);
  expect(await admin.zcard(keys.open)).toBe(0);
  // I5
  expectNone(product.texts, [...secrets, `127.0.0.1:${redisWire.port}`]);
  expectNone(await contents(admin), secrets);
  expectNone(
    processes.map(({ output }) => output()),
    secrets,
  );
  // I6
  await expect.poll(() => admin.pubsub('CHANNELS', '*job:*'), IDLE_WITHIN).toEqual([]);
  for (const { pid } of processes) {
    const left = async () => {
      const open = await openFilesOf(pid);
      return open.length < IDLE_DESCRIPTORS ? 'few' : open.toSorted().join('\n');
    };
    await expect.poll(left, IDLE_WITHIN).toBe('few');
    expect(await residentBytes(pid)).toBeLessThan(startMemory + IDLE_BYTES);
  }
  return tally;
}

/** I4: every object of a job is there, as long as its record says and with that hash. */
async function expectStored(artifacts: string, { admin }: Installation['minio']) {
  for (const { key, sizeBytes, sha256 } of JSON.parse(artifacts)) {
    const chunks: Buffer[] = [];
    for await (const chunk of await admin.getObject('comfygate', key)) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    expect(bytes.length).toBe(sizeBytes);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256);
  }
}

function expectNone(texts: readonly string[], secrets: readonly string[]) {
  for (const secret of secrets) {
    const found = texts.find((text) => text.includes(secret));
    if (found !== undefined) expect.fail(`it holds ${JSON.stringify(secret)}: ${found.slice(0, 2_000)}`);
  }
}

/** Everything that Redis holds, as text. */
async function contents(redis: Redis): Promise<string[]> {
  const texts: string[] = [];
  let cursor = '0';
  do {
    const [next, keys] = await redis.scan(cursor, 'COUNT', 1_000);
    // Together, since the keys of all earlier faults are still there, and a round trip for each takes seconds.
    texts.push(...(await Promise.all(keys.map(async (key) => JSON.stringify([key, await contentOf(redis, key)])))));
    cursor = next;
  } while (cursor !== '0');
  return texts;
}

async function contentOf(redis: Redis, key: string): Promise<unknown> {
  switch (await redis.type(key)) {
    case 'string':
      return redis.get(key);
    case 'hash':
      return redis.hgetall(key);
    case 'list':
      return redis.lrange(key, 0, -1);
    case 'set':
      return redis.smembers(key);
    case 'zset':
      return redis.zrange(key, 0, -1);
    case 'stream':
      return redis.xrange(key, '-', '+');
    default:
      return null; // it has expired meanwhile
  }
}
