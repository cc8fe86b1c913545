import { z } from 'zod';
import { StorageError } from './artifact-store.ts';

/**
 * A segment begins with a letter or digit: `.` and `..` cannot be written, and names that begin with a dot are left to
 * the folder driver's own files.
 */
const SEGMENT = '[A-Za-z0-9][A-Za-z0-9._-]{0,127}';

/** S3 allows 1024 bytes; keys made here have about 60. */
const keySchema = z
  .string()
  .max(512)
  .regex(new RegExp(`^${SEGMENT}(?:/${SEGMENT})*$`));

/** A key, or the beginning of one that may end in the middle of a segment or with a slash. Never empty. */
const prefixSchema = z
  .string()
  .max(512)
  .regex(new RegExp(`^${SEGMENT}(?:/${SEGMENT})*/?$`));

/** The key as it is, or StorageError `refused` when it is not one. */
export function parseKey(key: string): string {
  const parsed = keySchema.safeParse(key);
  if (!parsed.success) throw new StorageError('refused', 'not an artifact key');
  return parsed.data;
}

/** The prefix as it is, or StorageError `refused` when it is not one. */
export function parsePrefix(prefix: string): string {
  const parsed = prefixSchema.safeParse(prefix);
  if (!parsed.success) throw new StorageError('refused', 'not a prefix of artifact keys');
  return parsed.data;
}

/**
 * Where the `index`th artifact (from 0) of a job goes. The lease is part of it, so that a worker that lost its lease
 * can never write over what its successor stored. `extension` without the dot; anything unusual becomes `bin`.
 */
export function artifactKey(jobId: string, lease: number, index: number, extension: string): string {
  const name = String(index).padStart(2, '0');
  const suffix = /^[a-z0-9]{1,10}$/i.test(extension) ? extension.toLowerCase() : 'bin';
  return parseKey(`${jobPrefix(jobId)}${lease}/${name}.${suffix}`);
}

/** Begins the keys of all that a job has stored, under whatever lease. Ends with a slash. */
export function jobPrefix(jobId: string): string {
  if (jobId.includes('/')) throw new StorageError('refused', 'not a job id');
  return parsePrefix(`jobs/${jobId}/`);
}

/** Of the job that a key belongs to; undefined for what is no job's. */
export function jobIdIn(key: string): string | undefined {
  return /^jobs\/([^/]+)\//.exec(key)?.[1];
}

/** Where a caller's own file goes. */
export function uploadKey(uploadId: string): string {
  if (uploadId.includes('/')) throw new StorageError('refused', 'not an upload id');
  return parseKey(`uploads/${uploadId}`);
}
