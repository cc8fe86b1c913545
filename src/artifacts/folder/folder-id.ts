import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno } from '../../files/errno.ts';
import { makeFolder } from '../../files/make-folder.ts';
import { StorageError } from '../artifact-store.ts';

/** Begins with a dot, as no key can. */
const FILE = '.folder-id';

/** The id of a folder, which is made and gets one where it has none. */
export async function markFolder(folder: string): Promise<string> {
  await makeFolder(folder);
  const id = await readId(folder);
  if (id !== null) return id;
  await writeFile(join(folder, FILE), randomUUID(), { flag: 'wx', flush: true }).catch((error: unknown) => {
    // Another process has been quicker.
    if (!isErrno(error, 'EEXIST')) throw error;
  });
  return (await readId(folder)) ?? markFolder(folder);
}

/**
 * Throws StorageError `denied` unless the folder is the one of this id: another process may have the right one. Where
 * its disk is not mounted there is another folder at its place, in which nothing may be stored, and whose emptiness
 * says nothing about what is.
 */
export async function checkFolder(folder: string, id: string): Promise<void> {
  if ((await readId(folder)) === id) return;
  throw new StorageError('denied', 'the artifact folder is not the one that results are in: mount its disk');
}

async function readId(folder: string): Promise<string | null> {
  try {
    return (await readFile(join(folder, FILE), 'utf8')).trim() || null;
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return null;
    throw error;
  }
}
