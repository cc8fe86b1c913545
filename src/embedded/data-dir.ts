import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../files/make-folder.ts';
import { lockFolder, writeNew } from './folder-lock.ts';

/** The data folder of `npm start`. This process holds its lock until `close()`. */
export interface DataDir {
  readonly path: string;
  /** Signs URLs of artifacts. It is generated once and kept, so that URLs stay valid across restarts. */
  readonly signingSecret: string;
  close(): Promise<void>;
}

/** The data folder cannot be used; the message is written for the person who started the process. */
export class DataDirError extends Error {
  override readonly name = 'DataDirError';
  readonly code: 'DATA_DIR_IN_USE' | 'DATA_DIR_UNUSABLE';

  constructor(code: DataDirError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

const SECRET_BYTES = 32;
const SECRET_FILE = 'signing-secret';

/**
 * Creates the folder (mode 0700) if it is missing, takes its lock, and reads or creates its signing secret (mode 0600).
 * @throws {DataDirError} when a running process holds the lock, or the folder cannot be written
 */
export async function openDataDir(path: string): Promise<DataDir> {
  try {
    await makeFolder(path, 0o700);
    const lock = await lockFolder(path);
    if ('pid' in lock) {
      throw new DataDirError(
        'DATA_DIR_IN_USE',
        `DATA_DIR: ${path} is in use by process ${lock.pid}; stop it, or give this one a DATA_DIR and PORT of its own`,
      );
    }
    try {
      return { path, signingSecret: await signingSecret(join(path, SECRET_FILE)), close: lock.release };
    } catch (error) {
      await lock.release();
      throw error;
    }
  } catch (error) {
    if (error instanceof DataDirError) throw error;
    const message = `DATA_DIR: cannot be used: ${messageOf(error)}; choose a folder that this user can write`;
    throw new DataDirError('DATA_DIR_UNUSABLE', message, { cause: error });
  }
}

/** The signing secret of a data folder that a process has opened before; null where none has. */
export async function readSigningSecret(folder: string): Promise<string | null> {
  try {
    return (await readFile(join(folder, SECRET_FILE), 'utf8')).trim();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

async function signingSecret(path: string): Promise<string> {
  await writeNew(path, randomBytes(SECRET_BYTES).toString('base64url'));
  const secret = (await readFile(path, 'utf8')).trim();
  if (secret.length >= SECRET_BYTES) return secret;
  throw new DataDirError(
    'DATA_DIR_UNUSABLE',
    `DATA_DIR: ${path} holds no secret of ${SECRET_BYTES} characters; remove it`,
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
