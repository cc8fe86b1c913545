import { isErrno } from '../../files/errno.ts';
import { StorageError } from '../artifact-store.ts';

/** Runs a call of the folder driver: it throws StorageError, or the signal's reason. */
export async function classified<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  signal?.throwIfAborted();
  try {
    return await work();
  } catch (cause) {
    if (signal?.aborted) throw signal.reason;
    throw folderError(cause);
  }
}

export function folderError(cause: unknown): StorageError {
  if (cause instanceof StorageError) return cause;
  if (isErrno(cause, 'ENOSPC', 'EDQUOT', 'EFBIG')) {
    return new StorageError('full', 'the artifact folder has no room left', { cause });
  }
  // A path that is no folder, or a disk that is gone, is this machine's own, too.
  if (isErrno(cause, 'EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EIO', 'ENODEV', 'ENXIO', 'ESTALE')) {
    return new StorageError('denied', 'the artifact folder cannot be written or read', { cause });
  }
  return new StorageError('unavailable', 'the artifact folder does not work', { cause });
}
