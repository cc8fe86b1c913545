import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { lstat, mkdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { DataDirError } from './data-dir.ts';
import { endChild, hasEnded, keepRunning } from './keep-running.ts';
import { commandLineOf, endProcess } from './process-info.ts';
import { askRedis } from './redis-probe.ts';

export interface EmbeddedRedis {
  /** What ioredis takes: the path of its unix socket. */
  readonly url: string;
  readonly socketPath: string;
  /** Of the process running now: another one after it was started again. */
  readonly pid: number | undefined;
  /** Lets it write what it holds, ends it and waits until it is gone. */
  close(): Promise<void>;
}

/** Valkey is Redis under another name and reads the same files. */
const SERVERS = ['redis-server', 'valkey-server'];

/** Bytes that the address of a unix socket holds everywhere: 104 with the final NUL on macOS, 108 on Linux. */
const MAX_SOCKET_PATH = 103;
const END_TIMEOUT_MS = 10_000;

/**
 * Starts a Redis that keeps its files in `<dataDir>/redis` and listens on a unix socket alone: every write is on disk before it
 * is acknowledged, and nothing is evicted. It has its own process group, so that Ctrl-C at a terminal does not reach it before
 * us. One that a killed parent left behind on the same folder is ended first; the caller holds the folder's lock.
 * @throws {Error} when there is no server program, or it does not start; with what it said
 */
export async function startEmbeddedRedis({ dataDir, log }: { dataDir: string; log: Logger }): Promise<EmbeddedRedis> {
  const dir = join(dataDir, 'redis');
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const socketPath = await prepareSocket(dir);
  const pidFile = join(dir, 'redis.pid');
  await endLeftBehind({ socketPath, pidFile, log });

  const settings = {
    port: '0',
    unixsocket: socketPath,
    unixsocketperm: '700',
    dir,
    pidfile: pidFile,
    save: '',
    appendonly: 'yes',
    appendfsync: 'always',
    'maxmemory-policy': 'noeviction',
    // An ended job then takes 3 KB instead of 8: its log is four events, its record's fields are short. See docs/performance.md.
    'stream-node-max-bytes': '256',
    'hash-max-listpack-value': '1024',
    loglevel: 'warning',
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  const running = await keepRunning({ name: 'redis', start: (signal) => start({ args, socketPath, signal }), log });
  return {
    url: socketPath,
    socketPath,
    get pid() {
      return running.pid;
    },
    close: running.close,
  };
}

/** The socket of the Redis that an all-in-one start runs on this data folder; null when none answers there. */
export async function findEmbeddedRedis(dataDir: string): Promise<string | null> {
  const socketPath = socketPathOf(join(dataDir, 'redis'));
  return (await askRedis(socketPath, 'PING'))?.startsWith('+PONG') ? socketPath : null;
}

async function start(options: { args: string[]; socketPath: string; signal: AbortSignal }): Promise<ChildProcess> {
  const { child, lastWords } = await spawnServer(options.args);
  try {
    // Reading a long log takes as long as it takes; then it answers -LOADING.
    while (!(await askRedis(options.socketPath, 'PING'))?.startsWith('+PONG')) {
      options.signal.throwIfAborted();
      if (hasEnded(child)) throw new Error(`Redis ended at its start:\n${lastWords()}`);
      await delay(10);
    }
    return child;
  } catch (error) {
    await endChild(child, END_TIMEOUT_MS);
    throw error;
  }
}

async function spawnServer(args: string[]): Promise<{ child: ChildProcess; lastWords: () => string }> {
  for (const program of SERVERS) {
    const child = spawn(program, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    let words = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        words = (words + chunk.toString()).slice(-4_000);
      });
    }
    try {
      await once(child, 'spawn');
      return { child, lastWords: () => words.trim() };
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    }
  }
  throw new Error(`neither ${SERVERS.join(' nor ')} is on the PATH: install one, or set REDIS_URL`);
}

/** Two servers on the same files would ruin them, so none is started before it is sure that there is none. */
async function endLeftBehind(options: { socketPath: string; pidFile: string; log: Logger }): Promise<void> {
  const { socketPath, pidFile, log } = options;
  const answer = await askRedis(socketPath, 'INFO server');
  const said = /process_id:(\d+)/.exec(answer ?? '')?.[1];
  const pid = Number(said ?? (await readFile(pidFile, 'utf8').catch(emptyIfMissing)));
  // It shows its socket in its command line: a number that another process has meanwhile is not mistaken for it.
  if (pid > 0 && commandLineOf(pid).includes(socketPath)) {
    log.warn({ pid }, 'ending a redis that was left behind');
    await endProcess(pid, END_TIMEOUT_MS);
  } else if (answer !== undefined) {
    throw new DataDirError(
      'DATA_DIR_IN_USE',
      `DATA_DIR: a Redis out of our reach, as in another container, serves ${socketPath}`,
    );
  }
}

/** In the data folder, or where its path does not fit into the address of a socket, in a folder of ours among the temporary ones. */
function socketPathOf(dir: string): string {
  const usual = join(dir, 'redis.sock');
  // A question mark begins options where the client reads the path as an address.
  if (Buffer.byteLength(usual) <= MAX_SOCKET_PATH && !usual.includes('?')) return usual;
  const hash = createHash('sha256').update(dir).digest('hex').slice(0, 16);
  return join(tmpdir(), `comfygate-${hash}`, 'redis.sock');
}

/** Its folder is made where it is missing. */
async function prepareSocket(dir: string): Promise<string> {
  const path = socketPathOf(dir);
  const folder = dirname(path);
  if (folder === dir) return path;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { uid, mode } = await lstat(folder);
  if (uid !== process.getuid?.() || (mode & 0o170_077) !== 0o040_000) {
    throw new DataDirError(
      'DATA_DIR_UNUSABLE',
      `DATA_DIR: ${folder} belongs to somebody else; choose a DATA_DIR with a shorter path`,
    );
  }
  return path;
}

function emptyIfMissing(error: unknown): string {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
  throw error;
}
