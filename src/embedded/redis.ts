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
import { probeRedis } from './redis-probe.ts';

export interface EmbeddedRedis {
  /** The address for ioredis: the path of the unix socket. */
  readonly url: string;
  readonly socketPath: string;
  /** The process id of the server that runs now. It changes when the server was started again. */
  readonly pid: number | undefined;
  /** Stops the server with SIGTERM, so that it flushes its data, and waits until it has ended. */
  close(): Promise<void>;
}

/** Valkey is Redis under another name and reads the same files. */
const SERVERS = ['redis-server', 'valkey-server'];

/** The longest path of a unix socket on every system, in bytes: macOS allows 104 with the final NUL, Linux 108. */
const MAX_SOCKET_PATH = 103;
const END_TIMEOUT_MS = 10_000;

/**
 * Starts a Redis that keeps its files in `<dataDir>/redis` and listens on a unix socket only. Every write is on disk
 * before it is acknowledged, and nothing is evicted. It has its own process group, so that Ctrl-C at a terminal does
 * not reach it before this process. A server that a killed parent left running on the same folder is ended first. The
 * caller must hold the lock of the data folder.
 * @throws {Error} when no server program is installed, or the server does not start; the message has the server's
 *   output
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
    // With these two an ended job takes 3 KB instead of 8, since its log has four events and its record short fields.
    // The measurements are in docs/performance.md.
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

/** The socket of the Redis that an `npm start` runs on this data folder; null when none answers there. */
export async function findEmbeddedRedis(dataDir: string): Promise<string | null> {
  const socketPath = socketPathOf(join(dataDir, 'redis'));
  return (await probeRedis(socketPath, 'PING'))?.startsWith('+PONG') ? socketPath : null;
}

async function start(options: { args: string[]; socketPath: string; signal: AbortSignal }): Promise<ChildProcess> {
  const { child, lastWords } = await spawnServer(options.args);
  try {
    // There is no time limit: while Redis loads a long append-only file it answers -LOADING.
    while (!(await probeRedis(options.socketPath, 'PING'))?.startsWith('+PONG')) {
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

/** Ends a server that still runs on these files. Two servers on the same files would corrupt them. */
async function endLeftBehind(options: { socketPath: string; pidFile: string; log: Logger }): Promise<void> {
  const { socketPath, pidFile, log } = options;
  const answer = await probeRedis(socketPath, 'INFO server');
  const reportedPid = /process_id:(\d+)/.exec(answer ?? '')?.[1];
  const pid = Number(reportedPid ?? (await readFile(pidFile, 'utf8').catch(emptyIfMissing)));
  // The id may belong to another process by now. Only our server has this socket's path in its command line.
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

/**
 * The path of the socket: in the data folder or, where that path is unusable, in a folder of our own in the temporary
 * one.
 */
function socketPathOf(dir: string): string {
  const usual = join(dir, 'redis.sock');
  // ioredis parses the path as an address, in which a question mark would begin the options.
  if (Buffer.byteLength(usual) <= MAX_SOCKET_PATH && !usual.includes('?')) return usual;
  const hash = createHash('sha256').update(dir).digest('hex').slice(0, 16);
  return join(tmpdir(), `comfygate-${hash}`, 'redis.sock');
}

/** Creates the folder of the socket if it is missing, and returns the path of the socket. */
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
