import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from './free-port.ts';
import { removeFolder } from './process.ts';

/** A real Redis for one test, with AOF, `noeviction`, and its own folder and port on 127.0.0.1. */
export interface TestRedis {
  /** `redis://127.0.0.1:<port>`. It stays the same after restarts. */
  readonly url: string;
  readonly port: number;
  /** The folder of its files. */
  readonly dir: string;
  /** The process id of the server that runs now. It changes with `restart()`. */
  readonly pid: number;
  /** Kills it with SIGKILL and waits until it has ended. May be called when it is down. */
  kill(): Promise<void>;
  /** Kills it if it runs, starts it again on the same port and files, and waits until it answers. */
  restart(): Promise<void>;
  /** Stops it with SIGSTOP: connections stay open, and it does not answer. */
  pause(): void;
  /** Continues it with SIGCONT. */
  resume(): void;
  /** Kills it and removes its files. May be called any number of times. */
  close(): Promise<void>;
}

const READY_TIMEOUT_MS = 10_000;

export interface TestRedisOptions {
  /** Adds or replaces settings (`{ maxmemory: '10mb' }`). */
  config?: Record<string, string>;
  /** Writes files into its folder before it starts. */
  seed?: (dir: string) => Promise<void>;
}

/** Starts a Redis and waits until it answers. */
export async function startTestRedis(options: TestRedisOptions = {}): Promise<TestRedis> {
  const dir = await mkdtemp(join(tmpdir(), 'comfygate-redis-'));
  await options.seed?.(dir);
  const settings = { ...DEFAULTS, ...options.config, dir };
  let { child, port } = await startOnFreePort(settings);

  const killChildWithTests = () => void child.kill('SIGKILL');
  process.once('exit', killChildWithTests);

  const kill = () => stop(child);
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    dir,
    get pid() {
      return pidOf(child);
    },
    kill,
    async restart() {
      await kill();
      child = await start(port, settings);
    },
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    async close() {
      process.off('exit', killChildWithTests);
      await kill();
      await removeFolder(dir);
    },
  };
}

const DEFAULTS = {
  bind: '127.0.0.1',
  save: '',
  appendonly: 'yes',
  // Redis writes before it acknowledges, so that a SIGKILL loses nothing. It does not wait for the disk, which may be
  // busy.
  appendfsync: 'no',
  'maxmemory-policy': 'noeviction',
};

/** Another program may take the free port before Redis does: then another port is tried. */
async function startOnFreePort(settings: Record<string, string>) {
  for (let left = 20; ; left--) {
    const port = await freePort();
    try {
      return { child: await start(port, settings), port };
    } catch (cause) {
      if (left === 0) throw cause;
    }
  }
}

async function start(port: number, settings: Record<string, string>): Promise<ChildProcess> {
  const args = Object.entries({ ...settings, port: String(port) }).flatMap(([name, value]) => [`--${name}`, value]);
  const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk));
  const spawned = once(child, 'spawn');
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await spawned;

  const deadline = Date.now() + READY_TIMEOUT_MS;
  while (Date.now() < deadline) {
    if ((await serverPid(port)) === child.pid) return child;
    await Promise.race([exited, delay(5)]);
    if (child.exitCode !== null || child.signalCode !== null) break;
  }
  await stop(child);
  throw new Error(`redis-server did not start on port ${port}:\n${output}`);
}

/** The process id of the Redis on this port, which tells ours from another one. Undefined while none serves. */
function serverPid(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('INFO server\r\n'));
    let answer = '';
    socket.setTimeout(1_000, () => socket.destroy());
    socket.on('data', (chunk) => {
      answer += chunk;
      // An error ("-LOADING ...") is one line. A complete answer ends with an empty line.
      if (answer.startsWith('-') || /\r\n\r\n$/.test(answer)) socket.destroy();
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      const pid = /^process_id:(\d+)\r$/m.exec(answer)?.[1];
      resolve(pid === undefined ? undefined : Number(pid));
    });
  });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error('redis-server has no process id');
  return child.pid;
}
