import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'minio';
import { findProgram } from './find-program.ts';
import { onFreePort } from './free-port.ts';
import { eventually } from './product.ts';

/** Another S3 server than MinIO, over a folder of a test's own. */
export interface TestVersityGateway {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: string;
  /** Kill it and remove its files. */
  close(): Promise<void>;
}

const REGION = 'us-east-1';

export const findVersityGateway = () => findProgram('versitygw');

/** Starts one and waits until it answers. Throws when there is no program: ask `findVersityGateway` first. */
export async function startTestVersityGateway(): Promise<TestVersityGateway> {
  const program = findVersityGateway();
  if (program === null) throw new Error('no versitygw program: set VERSITYGW_BIN');
  const dir = await mkdtemp(join(tmpdir(), 'comfygate-versitygw-'));
  const [root, sidecar] = [join(dir, 'objects'), join(dir, 'attributes')];
  await Promise.all([mkdir(root), mkdir(sidecar)]);
  // Random, so that a stranger on our port is not taken for ours.
  const credentials = { accessKey: randomBytes(8).toString('hex'), secretKey: randomBytes(16).toString('hex') };
  return onFreePort(async (port) => {
    // Beside the objects rather than in their extended attributes, which not every file system of a test machine has.
    const args = ['--port', `127.0.0.1:${port}`, '--region', REGION, '--quiet', 'posix', '--sidecar', sidecar, root];
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH,
        HOME: dir,
        ROOT_ACCESS_KEY: credentials.accessKey,
        ROOT_SECRET_KEY: credentials.secretKey,
      },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk));
    const exited = once(child, 'exit');
    const killWithTests = () => void child.kill('SIGKILL');
    process.once('exit', killWithTests);
    async function close() {
      process.off('exit', killWithTests);
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL');
        await exited;
      }
      await rm(dir, { recursive: true, force: true });
    }
    const client = new Client({ endPoint: '127.0.0.1', port, useSSL: false, region: REGION, ...credentials });
    try {
      await eventually(() => client.listBuckets().then(() => true), 'the server answers', 20_000);
    } catch (cause) {
      await close();
      throw new Error(`versitygw did not start on port ${port}:\n${output}`, { cause });
    }
    return { endpoint: `http://127.0.0.1:${port}`, region: REGION, ...credentials, close };
  });
}
