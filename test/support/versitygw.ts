import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'minio';
import { findProgram } from './find-program.ts';
import { onFreePort } from './free-port.ts';
import { startProgram, tempFolder } from './process.ts';
import { eventually } from './product.ts';

/** A second S3 server besides MinIO, with a folder for one test. */
export interface TestVersityGateway {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: string;
  /** Kills it and removes its files. */
  close(): Promise<void>;
}

const REGION = 'us-east-1';

export const findVersityGateway = () => findProgram('versitygw');

/** Starts one and waits until it answers. Throws when there is no program: call `findVersityGateway` first. */
export async function startTestVersityGateway(): Promise<TestVersityGateway> {
  const program = findVersityGateway();
  if (program === null) throw new Error('no versitygw program: set VERSITYGW_BIN');
  // Random credentials tell our server from another program's server on the same port.
  const credentials = { accessKey: randomBytes(8).toString('hex'), secretKey: randomBytes(16).toString('hex') };
  return onFreePort(async (port) => {
    const folder = await tempFolder();
    const [root, sidecar] = [join(folder.path, 'objects'), join(folder.path, 'attributes')];
    await Promise.all([mkdir(root), mkdir(sidecar)]);
    // Metadata goes to files, since not every file system has the extended attributes that it would use otherwise.
    const args = ['--port', `127.0.0.1:${port}`, '--region', REGION, '--quiet', 'posix', '--sidecar', sidecar, root];
    const server = startProgram(program, args, {
      HOME: folder.path,
      ROOT_ACCESS_KEY: credentials.accessKey,
      ROOT_SECRET_KEY: credentials.secretKey,
    });
    async function close() {
      await server.kill();
      await folder.remove();
    }
    const client = new Client({ endPoint: '127.0.0.1', port, useSSL: false, region: REGION, ...credentials });
    try {
      await eventually(() => client.listBuckets().then(() => true), 'the server answers', 20_000);
    } catch (cause) {
      await close();
      throw new Error(`versitygw did not start on port ${port}:\n${server.output()}`, { cause });
    }
    return { endpoint: `http://127.0.0.1:${port}`, region: REGION, ...credentials, close };
  });
}
