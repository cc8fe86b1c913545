import { type FileHandle, open, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { isErrno } from '../../files/errno.ts';
import type { StoredObject } from '../artifact-store.ts';
import { parseKey } from '../keys.ts';

/** Kept beside an object. Written last, so that an object without it is none. */
const descriptionSchema = z.object({
  sizeBytes: z.int().nonnegative(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  contentType: z.string(),
});

type Description = z.infer<typeof descriptionSchema>;

/** Where an object of the folder driver lies, and its description: a name with a dot, which no key can have. */
export function objectPaths(folder: string, key: string): { data: string; description: string } {
  const data = join(folder, ...parseKey(key).split('/'));
  return { data, description: join(dirname(data), `.${basename(data)}.json`) };
}

/** What is said of an object; null when there is none, or when it is not whole. */
export async function describeObject(folder: string, key: string): Promise<StoredObject | null> {
  const paths = objectPaths(folder, key);
  const description = await readDescription(paths.description);
  const found = description && (await absentAsNull(stat(paths.data)));
  return found && found.size === description.sizeBytes ? { ...description, modifiedAt: found.mtime } : null;
}

/** Opens an object for reading, to be closed by whoever did so; null when there is none, or when it is not whole. */
export async function openObject(folder: string, key: string): Promise<{ file: FileHandle; sizeBytes: number } | null> {
  const paths = objectPaths(folder, key);
  const description = await readDescription(paths.description);
  const file = description && (await absentAsNull(open(paths.data, 'r')));
  if (!file) return null;
  const { size } = await file.stat().catch(async (error: unknown) => {
    await file.close();
    throw error;
  });
  if (size === description.sizeBytes) return { file, sizeBytes: size };
  await file.close();
  return null;
}

/** Null when there is none that can be read. */
export async function readDescription(path: string): Promise<Description | null> {
  const text = await absentAsNull(readFile(path, 'utf8'));
  return text === null ? null : parseDescription(text);
}

function parseDescription(text: string): Description | null {
  try {
    return descriptionSchema.parse(JSON.parse(text));
  } catch (error) {
    // A disk that lost the end of the file: the object is not whole, and will be stored again.
    if (error instanceof SyntaxError || error instanceof z.ZodError) return null;
    throw error;
  }
}

async function absentAsNull<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return null;
    throw error;
  }
}

/** Makes the renames survive a power cut. Windows cannot open folders, and journals its renames. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
