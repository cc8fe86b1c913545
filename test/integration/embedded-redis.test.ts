import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { DataDirError, openDataDir } from '../../src/embedded/data-dir.ts';
import { isAlive } from '../../src/embedded/process-info.ts';
import { startEmbeddedRedis } from '../../src/embedded/redis.ts';

const log = pino({ level: 'silent' });
let dir: string;

beforeEach(async () => {
  const scratch = await mkdtemp(join(tmpdir(), 'comfygate-data-'));
  dir = join(scratch, 'data');
  return () => rm(scratch, { recursive: true, force: true });
});

async function start(dataDir = dir) {
  const redis = await startEmbeddedRedis({ dataDir, log });
  onTestFinished(() => redis.close());
  return redis;
}

function client(url: string): Redis {
  const redis = new Redis(url, { maxRetriesPerRequest: null });
  redis.on('error', () => undefined); // it reconnects by itself
  onTestFinished(() => redis.disconnect());
  return redis;
}

/** Another process that holds the folder and its Redis; both end with the test at the latest. */
async function startParent(): Promise<{ parent: ChildProcess; redisPid: number }> {
  const script = fileURLToPath(new URL('../support/embedded-parent.ts', import.meta.url));
  const parent = spawn(process.execPath, [script, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void parent.kill('SIGKILL'));
  const [line] = await once(parent.stdout, 'data');
  const { pid: redisPid } = JSON.parse(String(line));
  onTestFinished(() => void (isAlive(redisPid) && process.kill(redisPid, 'SIGKILL')));
  return { parent, redisPid };
}

async function killParent(parent: ChildProcess): Promise<void> {
  const exit = once(parent, 'exit');
  parent.kill('SIGKILL');
  await exit;
}

/** What to expect of a process that ended but is still to be reaped by whoever adopted it. */
const gone = (pid: number) => vi.waitFor(() => expect(isAlive(pid)).toBe(false), { timeout: 10_000 });

describe('the embedded Redis', () => {
  test('keeps each acknowledged write, evicts nothing and listens on its socket alone', async () => {
    const redis = await start();
    const commands = client(redis.url);
    const settings = await Promise.all(
      ['appendonly', 'appendfsync', 'maxmemory-policy', 'port', 'dir'].map((name) => commands.config('GET', name)),
    );
    expect(settings.map((pair) => (Array.isArray(pair) ? pair[1] : pair))).toEqual([
      'yes',
      'always',
      'noeviction',
      '0',
      join(dir, 'redis'),
    ]);
    expect((await stat(redis.socketPath)).mode & 0o777).toBe(0o700);
    expect((await stat(join(dir, 'redis'))).mode & 0o777).toBe(0o700);
  });

  test('has what was written after an orderly end and a new start, and leaves no process behind', async () => {
    const first = await start();
    await client(first.url).set('key', 'kept');
    const { pid = 0 } = first;
    await first.close();
    await first.close();
    await gone(pid);
    expect(await client((await start()).url).get('key')).toBe('kept');
  });

  test('is started again on the same address when it is killed, again and again, with nothing lost', async () => {
    const redis = await start();
    const commands = client(redis.url);
    for (const round of ['1', '2', '3']) {
      await commands.set(`key${round}`, round);
      const { pid = 0 } = redis;
      process.kill(pid, 'SIGKILL');
      expect(await commands.mget('key1', `key${round}`)).toEqual(['1', round]);
      // The keeper learns that it serves again by asking, as the client does: either may be first.
      await expect.poll(() => redis.pid).not.toBe(pid);
    }
  });

  test('can be closed while it is on its way back', async () => {
    const redis = await start();
    const { pid = 0 } = redis;
    process.kill(pid, 'SIGKILL');
    await redis.close();
    await gone(pid);
    if (redis.pid !== undefined) await gone(redis.pid);
    await start();
  });

  test('has a process group of its own, so that Ctrl-C reaches it last', async () => {
    const { pid = 0 } = await start();
    expect(() => process.kill(-pid, 0)).not.toThrow();
  });

  test('uses a short path where the data folder is too deep for the address of a socket', async () => {
    const deep = join(dir, 'd'.repeat(100), 'e'.repeat(20));
    await mkdir(deep, { recursive: true });
    const first = await start(deep);
    expect(Buffer.byteLength(first.socketPath)).toBeLessThanOrEqual(103);
    await client(first.url).set('key', 'kept');
    await first.close();
    const second = await start(deep);
    expect(second.socketPath).toBe(first.socketPath);
    expect(await client(second.url).get('key')).toBe('kept');
  });

  test('says why it does not start', async () => {
    await mkdir(join(dir, 'redis', 'appendonlydir'), { recursive: true });
    await writeFile(join(dir, 'redis', 'appendonlydir', 'appendonly.aof.manifest'), 'nonsense\n');
    await expect(startEmbeddedRedis({ dataDir: dir, log })).rejects.toThrow(/Redis ended at its start:\n.*manifest/s);
  });
});

describe('a Redis that a killed parent left behind', () => {
  test('is ended and replaced by one with all that it had', async () => {
    const { parent, redisPid } = await startParent();
    const before = client(join(dir, 'redis', 'redis.sock'));
    await before.set('key', 'kept');
    before.disconnect();
    await killParent(parent);
    expect(isAlive(redisPid)).toBe(true);

    const redis = await start();
    expect(redis.pid).not.toBe(redisPid);
    await gone(redisPid);
    expect(await client(redis.url).get('key')).toBe('kept');
  });

  test('is ended also when it answers no more or its socket is gone', async () => {
    for (const spoil of [
      (pid: number) => Promise.resolve(process.kill(pid, 'SIGSTOP')),
      () => rm(join(dir, 'redis', 'redis.sock')),
    ]) {
      const { parent, redisPid } = await startParent();
      await killParent(parent);
      await spoil(redisPid);
      const redis = await start();
      await gone(redisPid);
      await redis.close();
    }
  });

  test('is not taken for a process that has its number by now', async () => {
    const stranger = spawn('sleep', ['60']);
    onTestFinished(() => void stranger.kill());
    await mkdir(join(dir, 'redis'), { recursive: true });
    await writeFile(join(dir, 'redis', 'redis.pid'), `${stranger.pid}\n`);
    await start();
    expect(stranger.exitCode ?? stranger.signalCode).toBeNull();
  });
});

describe('the data folder', () => {
  test('is private, and keeps its secret', async () => {
    const first = await openDataDir(dir);
    expect(first.signingSecret).toHaveLength(43);
    expect((await stat(dir)).mode & 0o777).toBe(0o700);
    expect((await stat(join(dir, 'signing-secret'))).mode & 0o777).toBe(0o600);
    await first.close();
    const second = await openDataDir(dir);
    expect(second.signingSecret).toBe(first.signingSecret);
    await second.close();
  });

  test('is refused to a second process while the first lives, and free once it was killed', async () => {
    const { parent } = await startParent();
    const refused = openDataDir(dir);
    await expect(refused).rejects.toThrow(DataDirError);
    await expect(refused).rejects.toMatchObject({
      code: 'DATA_DIR_IN_USE',
      message: expect.stringContaining(`in use by process ${parent.pid}`),
    });
    await killParent(parent);
    await (await openDataDir(dir)).close();
  });

  test('goes to exactly one of many that want it at once, also over a stale lock', async () => {
    await mkdir(dir);
    await writeFile(join(dir, 'lock.7'), JSON.stringify({ pid: process.pid, began: 'another process of this number' }));
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => openDataDir(dir)));
    const opened = results.filter((result) => result.status === 'fulfilled');
    expect(opened).toHaveLength(1);
    await opened[0]?.value.close();
    expect((await readdir(dir)).filter((name) => name.startsWith('lock'))).toEqual([]);
  });

  test('that cannot be made is refused in words', async () => {
    await writeFile(dir, 'a file');
    await expect(openDataDir(dir)).rejects.toMatchObject({
      code: 'DATA_DIR_UNUSABLE',
      message: expect.stringMatching(/^DATA_DIR: cannot be used: /),
    });
  });
});
