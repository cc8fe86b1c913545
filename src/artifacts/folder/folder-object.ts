import { type FileHandle, open, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { isErrno } from '../../files/errno.ts';
import { parseKey } from '../keys.ts';

/** Kept beside an object. Written last, so that an object without it is none. */
const descriptionSchema = z.object({
  sizeBytes: z.int().nonnegative(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  contentType: z.string(),
});

export type ObjectDescription = z.infer<typeof descriptionSchema>;

/** Where an object of the folder driver lies, and its description: a name with a dot, which no key can have. */
export function objectPaths(folder: string, key: string): { data: string; description: string } {
  const data = join(folder, ...parseKey(key).split('/'));
  return { data, description: join(dirname(data), `.${basename(data)}.json`) };
}

export interface OpenObject {
  /** To be closed by whoever opened it. */
  file: FileHandle;
  description: ObjectDescription;
  modifiedAt: Date;
}

/** Opens an object for reading; null when there is none, or when it is not whole. */
export async function openObject(folder: string, key: string): Promise<OpenObject | null> {
  const paths = objectPaths(folder, key);
  const text = await absentAsNull(readFile(paths.description, 'utf8'));
  if (text === null) return null;
  const description = parseDescription(text);
  if (description === null) return null;
  const file = await absentAsNull(open(paths.data, 'r'));
  if (file === null) return null;
  try {
    const { size, mtime } = await file.stat();
    if (size === description.sizeBytes) return { file, description, modifiedAt: mtime };
  } catch (error) {
    await file.close();
    throw error;
  }
  await file.close();
  return null;
}

function parseDescription(text: string): ObjectDescription | null {
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
