import { randomUUID } from 'node:crypto';
import { link, open, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isErrno } from '../../files/errno.ts';
import type { FileToStore } from '../artifact-store.ts';
import { contentHeaders } from '../content-headers.ts';
import { classified } from './folder-error.ts';
import { describeObject, objectPaths, readDescription, syncFolder } from './folder-object.ts';

/** Where the folder driver takes files that callers upload. */
export interface UploadFolder {
  /**
   * A new folder for the bytes of an object until they are all there: beside it, so that a rename puts them there. Its
   * name begins as the object's, so that what a crash leaves of it is removed with the object's prefix.
   */
  collectIn(key: string): string;
  /**
   * Makes a whole file of `collectIn(key)` the object. False where other bytes came first: then they stay. Of several
   * at a time, at whatever gateways, one comes first. Throws StorageError.
   */
  putOnce(key: string, file: FileToStore): Promise<boolean>;
}

export function createUploadFolder(folder: string): UploadFolder {
  return {
    collectIn(key) {
      const { data } = objectPaths(folder, key);
      return join(dirname(data), `.${basename(data)}.${randomUUID()}`);
    },

    putOnce: (key, { path, sizeBytes, sha256, filename, contentType }) =>
      classified(undefined, async () => {
        const paths = objectPaths(folder, key);
        const own = join(dirname(path), 'description.json');
        const { contentType: servedAs } = contentHeaders(contentType, filename);
        await writeFile(own, JSON.stringify({ sizeBytes, sha256, contentType: servedAs }));
        const { mode } = await stat(own);
        await Promise.all([sync(own, mode), sync(path, mode)]);
        // The description decides: it says which bytes are the object's. Whoever has put it there brings the bytes
        // behind it, and so does whoever has the same ones, should the first have died in between.
        const first = await linkFirst(own, paths.description);
        if (first !== null && first !== sha256) return false;
        if (first === null || (await describeObject(folder, key)) === null) await rename(path, paths.data);
        await syncFolder(dirname(paths.data));
        return true;
      }),
  };
}

/** Puts a description where there is none: null, or the SHA-256 that the one before it says. */
async function linkFirst(own: string, path: string): Promise<string | null> {
  for (;;) {
    try {
      await link(own, path);
      return null;
    } catch (error) {
      if (!isErrno(error, 'EEXIST')) throw error;
    }
    const earlier = await readDescription(path);
    if (earlier !== null) return earlier.sha256;
    // A disk has lost its end: nothing is described.
    await rm(path, { force: true });
  }
}

/** A spooled file is its process's own, while a worker that reads the object may be another user. */
async function sync(path: string, mode: number): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.chmod(mode);
    await file.sync();
  } finally {
    await file.close();
  }
}
