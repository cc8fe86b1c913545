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

/** A real MinIO for one test, with its own port, folder and credentials, and without a console. */
export interface TestMinio {
  /** `http://127.0.0.1:<port>`. It stays the same after restarts. */
  readonly endpoint: string;
  readonly port: number;
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: string;
  /** A client with all rights, with which tests read what is stored. */
  readonly admin: Client;
  /** Kills it with SIGKILL and waits until it has ended. May be called when it is down. */
  kill(): Promise<void>;
  /** Kills it if it runs, starts it again on the same port and files, and waits until it answers. */
  restart(): Promise<void>;
  /** Stops it with SIGSTOP: it accepts connections and does not answer. */
  pause(): void;
  /** Continues it with SIGCONT. */
  resume(): void;
  /** Kills it and removes its files. May be called any number of times. */
  close(): Promise<void>;
}

const READY_TIMEOUT_MS = 20_000;
const REGION = 'us-east-1';

/** The MinIO program, by MINIO_BIN, on the PATH, or in the cache of scripts/bootstrap. Null where there is none. */
export function findMinio(): string | null {
  return findProgram('minio');
}

/**
 * Starts a MinIO and waits until it answers, in a new folder or in the caller's. Throws when there is no program: call
 * `findMinio` first.
 */
export async function startTestMinio(folder?: string): Promise<TestMinio> {
  const program = findMinio();
  if (program === null) throw new Error('no minio program: set MINIO_BIN');
  const dir = folder ?? (await mkdtemp(join(tmpdir(), 'comfygate-minio-')));
  // Random credentials tell our server from another program's server on the same port.
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

/** Another program may take the free port before MinIO does: then another port is tried. */
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
