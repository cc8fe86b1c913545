import { createHash, randomUUID } from 'node:crypto';
import { access, constants, type FileHandle, mkdir, open, readdir, rename, rm, statfs } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isErrno } from '../../files/errno.ts';
import { type ArtifactStore, type BytesToStore, type FileToStore, StorageError } from '../artifact-store.ts';
import { contentHeaders } from '../content-headers.ts';
import { safeFilename } from '../filename.ts';
import { parseKey, parsePrefix } from '../keys.ts';
import { ARTIFACTS_PATH, signedQuery, signedUploadQuery } from '../signed-query.ts';
import { signingWindow } from '../signing-window.ts';
import { readExactly } from '../source-file.ts';
import { fileBody } from './file-body.ts';
import { classified, folderError } from './folder-error.ts';
import { checkFolder } from './folder-id.ts';
import { describeObject, objectPaths, openObject, syncFolder } from './folder-object.ts';

/** Below these, `check` says that storage is full. */
const MIN_FREE_BYTES = 16 * 1024 * 1024;
const MIN_FREE_INODES = 1_000;

export interface FolderStoreOptions {
  /** Made when missing. */
  folder: string;
  /** As `markFolder` gave it: another folder at its place is refused. Default: the one that is there is taken. */
  folderId?: string | undefined;
  /** Address of the gateway that serves ARTIFACTS_PATH, as browsers reach it, without a slash at its end. */
  publicUrl: string;
  /** The same for every process that signs or serves. */
  signingSecret: string;
  /** Milliseconds since 1970. */
  now: () => number;
}

/** Artifacts in a folder, served by the gateway itself (`createArtifactDownload`). */
export function createFolderStore(options: FolderStoreOptions): ArtifactStore {
  const { folder, folderId, publicUrl, signingSecret, now } = options;
  const checkPlace = async () => folderId === undefined || (await checkFolder(folder, folderId));
  /** Of what is not there: nobody knows while the folder's disk is not. */
  async function unlessElsewhere<T>(found: T | null): Promise<T | null> {
    if (found === null) await checkPlace();
    return found;
  }

  return {
    put: (key, file, { signal }) =>
      classified(signal, async () => {
        await checkPlace();
        const paths = objectPaths(folder, key);
        await mkdir(dirname(paths.data), { recursive: true });
        const { sizeBytes, sha256 } = file;
        const { contentType } = contentHeaders(file.contentType, file.filename);
        // Together, since a disk that is asked for both at once syncs them in little more than the time of one.
        const { data, description } = await writeBoth(
          writeTemporary(paths.data, (target) => copyChecked(file, target, signal)),
          writeTemporary(paths.description, (target) =>
            target.appendFile(JSON.stringify({ sizeBytes, sha256, contentType })),
          ),
        );
        try {
          // While another object is replaced it is absent for a moment, never a mix of old and new. The same one stays,
          // so that two writers of one file do not take it away from each other.
          const earlier = await describeObject(folder, key);
          if (earlier !== null && earlier.sha256 !== sha256) await rm(paths.description, { force: true });
          await rename(data, paths.data);
          await rename(description, paths.description);
        } catch (error) {
          await Promise.all([rm(data, { force: true }), rm(description, { force: true })]);
          throw error;
        }
        const [stored] = await Promise.all([describeObject(folder, key), syncFolder(dirname(paths.data))]);
        if (stored?.sizeBytes !== sizeBytes || stored.sha256 !== sha256) {
          throw new StorageError('mismatch', 'the stored object is not the one that was written');
        }
      }),

    head: (key, { signal } = {}) => classified(signal, async () => unlessElsewhere(await describeObject(folder, key))),

    read: (key, { range, signal }) =>
      classified(signal, async () => {
        const object = await unlessElsewhere(await openObject(folder, key));
        if (object === null) return null;
        const { file, sizeBytes } = object;
        const { start, end } = range ?? { start: 0, end: sizeBytes - 1 };
        if (range && start >= sizeBytes) {
          await file.close();
          throw new StorageError('refused', 'the object ends before the range begins');
        }
        const within = { start, end: Math.min(end, sizeBytes - 1) };
        return fileBody(file, { range: within, signal, explain: folderError });
      }),

    removePrefix: (prefix, { signal } = {}) =>
      classified(signal, async () => {
        await checkPlace();
        for (const path of await pathsWithPrefix(folder, prefix)) {
          signal?.throwIfAborted();
          await rm(path, { recursive: true, force: true });
        }
      }),

    url: async (key, { filename, contentType, download, ...lifetime }) => {
      const expires = signingWindow(now(), lifetime).expiresAtMs / 1000;
      const { disposition } = contentHeaders(contentType, filename, download);
      const grant = { key: parseKey(key), expires, disposition, filename: safeFilename(filename) };
      return `${publicUrl}${ARTIFACTS_PATH}${key}?${signedQuery(grant, signingSecret)}`;
    },

    uploadUrl: async (key, { contentType, sizeBytes, expiresInSeconds }) => {
      const expires = Math.floor(now() / 1000) + expiresInSeconds;
      const query = signedUploadQuery(
        { key: parseKey(key), expires, size: sizeBytes, type: contentType },
        signingSecret,
      );
      return {
        url: `${publicUrl}${ARTIFACTS_PATH}${key}?${query}`,
        headers: { 'Content-Type': contentType },
        expiresAt: expires * 1000,
      };
    },

    check: ({ signal }) =>
      classified(signal, async () => {
        await checkPlace();
        await mkdir(folder, { recursive: true });
        await access(folder, constants.R_OK | constants.W_OK | constants.X_OK);
        const { bavail, bsize, files, ffree } = await statfs(folder);
        if (bavail * bsize < MIN_FREE_BYTES) throw new StorageError('full', 'the artifact folder has no room left');
        // A file system that has as many as it wants says 0.
        if (files > 0 && ffree < MIN_FREE_INODES) {
          throw new StorageError('full', 'the file system of the artifact folder has no inodes left');
        }
      }),

    close: () => undefined,
  };
}

/** Both temporary files; when one cannot be written, neither is left. */
async function writeBoth(data: Promise<string>, description: Promise<string>) {
  const written = await Promise.allSettled([data, description]);
  const failed = written.find((each) => each.status === 'rejected');
  if (!failed) return { data: await data, description: await description };
  await Promise.all(written.map((each) => each.status === 'fulfilled' && rm(each.value, { force: true })));
  throw failed.reason;
}

/**
 * Copies and hashes a file in one pass: what reaches the disk is what was announced, or nothing is kept. Bytes in
 * memory have not changed since they were hashed.
 */
async function copyChecked(file: FileToStore | BytesToStore, target: FileHandle, signal: AbortSignal): Promise<void> {
  if ('bytes' in file) return await target.appendFile(file.bytes);
  const hash = createHash('sha256');
  for await (const chunk of readExactly(file.path, file.sizeBytes)) {
    signal.throwIfAborted();
    hash.update(chunk);
    await target.appendFile(chunk);
  }
  if (hash.digest('hex') !== file.sha256) throw new StorageError('source', 'the file to store has another SHA-256');
}

/** A whole, synced file beside `path`, so that a rename can put it there at once. Removed when `write` fails. */
async function writeTemporary(path: string, write: (target: FileHandle) => Promise<void>): Promise<string> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}.tmp`);
  const target = await open(temporary, 'wx');
  try {
    try {
      await write(target);
      await target.sync();
    } finally {
      await target.close();
    }
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  return temporary;
}

async function pathsWithPrefix(folder: string, prefix: string): Promise<string[]> {
  const segments = parsePrefix(prefix).split('/');
  const beginning = segments.pop() ?? '';
  const parent = join(folder, ...segments);
  if (beginning === '') return [parent];
  try {
    const names = await readdir(parent);
    return names
      .filter((name) => name.startsWith(beginning) || name.startsWith(`.${beginning}`))
      .map((name) => join(parent, name));
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
}
