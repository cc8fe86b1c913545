import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'minio';
import { findProgram } from './find-program.ts';
import { freePort } from './free-port.ts';
import { removeFolder } from './process.ts';

/** A real MinIO of a test's own: free port on loopback, own folder and credentials, no console. */
export interface TestMinio {
  /** `http://127.0.0.1:<port>`; the same for the whole life, restarts included. */
  readonly endpoint: string;
  readonly port: number;
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: string;
  /** A client with all rights, to look at what is really stored. */
  readonly admin: Client;
  /** SIGKILL, and wait until it is gone. Safe when it is already down. */
  kill(): Promise<void>;
  /** Start again (killing it first if it runs) on the same port and files, and wait until it answers. */
  restart(): Promise<void>;
  /** SIGSTOP: connections are taken, nothing is answered. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
  /** Kill it and remove its files. Any number of times. */
  close(): Promise<void>;
}

const READY_TIMEOUT_MS = 20_000;
const REGION = 'us-east-1';

/** The MinIO server program: MINIO_BIN, the PATH, or the cache that set-up fills. Null when this machine has none. */
export function findMinio(): string | null {
  return findProgram('minio');
}

/**
 * Starts a MinIO and waits until it answers, in a folder of its own or in one that the caller keeps. Throws when there is no program:
 * ask `findMinio` first.
 */
export async function startTestMinio(folder?: string): Promise<TestMinio> {
  const program = findMinio();
  if (program === null) throw new Error('no minio program: set MINIO_BIN');
  const dir = folder ?? (await mkdtemp(join(tmpdir(), 'comfygate-minio-')));
  // Random, so that a stranger on our port is not taken for ours.
  const credentials = { accessKey: randomBytes(8).toString('hex'), secretKey: randomBytes(16).toString('hex') };
  let { child, port } = await startOnFreePort({ program, dir, ...credentials });

  const killChildWithTests = () => void child.kill('SIGKILL');
  process.once('exit', killChildWithTests);

  const kill = () => stop(child);
  return {
    endpoint: `http://127.0.0.1:${port}`,
    port,
    region: REGION,
    ...credentials,
    admin: clientFor(port, credentials),
    kill,
    async restart() {
      await kill();
      child = await start({ program, dir, ...credentials }, port);
    },
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    async close() {
      process.off('exit', killChildWithTests);
      await kill();
      if (folder === undefined) await removeFolder(dir);
    },
  };
}

interface Settings {
  program: string;
  dir: string;
  accessKey: string;
  secretKey: string;
}

/** Between the look for a free port and the server's own bind a stranger may take it: then the next one. */
async function startOnFreePort(settings: Settings) {
  for (let left = 5; ; left--) {
    const port = await freePort();
    try {
      return { child: await start(settings, port), port };
    } catch (cause) {
      if (left === 0) throw cause;
    }
  }
}

async function start({ program, dir, accessKey, secretKey }: Settings, port: number): Promise<ChildProcess> {
  const child = spawn(program, ['server', dir, '--address', `127.0.0.1:${port}`, '--quiet'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      HOME: dir,
      MINIO_ROOT_USER: accessKey,
      MINIO_ROOT_PASSWORD: secretKey,
      MINIO_BROWSER: 'off',
      MINIO_UPDATE: 'off',
    },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk));
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await once(child, 'spawn');

  const client = clientFor(port, { accessKey, secretKey });
  const deadline = Date.now() + READY_TIMEOUT_MS;
  let last: unknown;
  while (Date.now() < deadline && child.exitCode === null && child.signalCode === null) {
    try {
      await client.listBuckets();
      return child;
    } catch (error) {
      last = error;
    }
    await Promise.race([exited, delay(25)]);
  }
  await stop(child);
  throw new Error(`minio did not start on port ${port}:\n${output}`, { cause: last });
}

function clientFor(port: number, credentials: { accessKey: string; secretKey: string }): Client {
  const retryOptions = { disableRetry: true };
  return new Client({ endPoint: '127.0.0.1', port, useSSL: false, region: REGION, ...credentials, retryOptions });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}
