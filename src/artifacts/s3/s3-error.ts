import { S3Error } from 'minio';
import { StorageError, type StorageFailure } from '../artifact-store.ts';

/** S3's error codes that say more than the HTTP status that comes with them. */
const REASONS: Record<string, StorageFailure> = {
  XMinioStorageFull: 'full',
  XMinioAdminBucketQuotaExceeded: 'full',
  QuotaExceeded: 'full',
  ServiceQuotaExceeded: 'full',
  InsufficientStorage: 'full',
  AccessDenied: 'denied',
  InvalidAccessKeyId: 'denied',
  SignatureDoesNotMatch: 'denied',
  AllAccessDisabled: 'denied',
  ExpiredToken: 'denied',
  // The server hashed what it got and it was not what was announced: the file has changed on the disk.
  XAmzContentSHA256Mismatch: 'source',
  BadDigest: 'mismatch',
  IncompleteBody: 'mismatch',
  EntityTooLarge: 'refused',
  InvalidBucketName: 'refused',
  InvalidRange: 'refused',
};

const MESSAGES: Record<StorageFailure, string> = {
  unavailable: 'the S3 server cannot be reached or does not work',
  full: 'the S3 server has no room left',
  denied: 'the S3 server refused the credentials or the permission',
  mismatch: 'the S3 server did not get what was sent',
  source: 'the file to store is not what was announced',
  refused: 'the S3 server can never do this',
};

/**
 * What went wrong with a call, as a StorageError whose cause is the client's error. `status`: the answer's, if there
 * was one; the client hides it for those that it thinks worth a retry.
 */
export function storageError(cause: unknown, status?: number): StorageError {
  if (cause instanceof StorageError) return cause;
  const code = s3Code(cause);
  const reason = (code === undefined ? undefined : REASONS[code]) ?? reasonOfStatus(status);
  const detail = [code, status].filter((part) => part !== undefined).join(', ');
  return new StorageError(reason, detail === '' ? MESSAGES[reason] : `${MESSAGES[reason]} (${detail})`, { cause });
}

/** The S3 error code behind an error of the client or a StorageError made from one, such as `NoSuchBucket`. */
export function s3Code(error: unknown): string | undefined {
  if (error instanceof StorageError) return s3Code(error.cause);
  return error instanceof S3Error && typeof error.code === 'string' && error.code !== '' ? error.code : undefined;
}

function reasonOfStatus(status: number | undefined): StorageFailure {
  if (status === 507) return 'full';
  if (status === 401 || status === 403) return 'denied';
  return 'unavailable';
}
