import type { Readable } from 'node:stream';
import { isErrno } from '../files/errno.ts';
import type { Lifetime } from './signing-window.ts';

/** Why storage did not do what it was asked. */
export type StorageFailure =
  /** Not reachable, too slow, or it answered 5xx: the same call may work later. */
  | 'unavailable'
  /** No room, or over a quota: may work once somebody has made room. */
  | 'full'
  /** Credentials or permissions refused: works once the operator has mended them. */
  | 'denied'
  /** What storage holds after the write is not what was sent: write it again. */
  | 'mismatch'
  /** The local file is gone, or not of the size that was said: get it again, do not just store it again. */
  | 'source'
  /** The request itself can never be carried out: a bad key, or more than one object may hold. */
  | 'refused';

/** The one error that a store throws, apart from the abort reason of a caller's own signal. */
export class StorageError extends Error {
  override readonly name = 'StorageError';
  readonly reason: StorageFailure;

  constructor(reason: StorageFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }

  /** Whether the very same call, made later, can succeed. */
  get retryable(): boolean {
    return this.reason !== 'source' && this.reason !== 'refused';
  }

  /**
   * Whether this process had no descriptor left for a file or a socket: the storage is well, and a moment later it
   * works.
   */
  get isOutOfDescriptors(): boolean {
    return isErrno(this.cause, 'EMFILE', 'ENFILE');
  }
}

interface ToStore {
  sizeBytes: number;
  /** Lower-case hex. */
  sha256: string;
  contentType: string;
  /** Shown to whoever saves the file; made safe here once more. */
  filename: string;
}

/** A whole local file, as `spool` leaves it. */
export interface FileToStore extends ToStore {
  path: string;
}

/** A small file in memory, of which size and SHA-256 have just been found. */
export interface BytesToStore extends ToStore {
  bytes: Buffer;
}

export interface StoredObject {
  sizeBytes: number;
  /** Lower-case hex; missing on an object that something else put there. */
  sha256?: string;
  /** As served: `application/octet-stream` for everything a browser might run. */
  contentType: string;
  modifiedAt: Date;
}

/** Bytes of an object, counted from 0, both ends included. */
export interface ByteRange {
  start: number;
  end: number;
}

export interface UrlOptions extends Lifetime {
  filename: string;
  contentType: string;
  /** True: the browser saves the file under `filename`. False: it is shown, if its type is one that is safe to show. */
  download: boolean;
}

export interface UploadUrlOptions {
  /** What the one who uploads must say; nothing else is let through. */
  contentType: string;
  sizeBytes: number;
  expiresInSeconds: number;
}

/** A request to be made once, by whoever holds it, with a body of exactly the size that was said. */
export interface UploadAddress {
  url: string;
  /** To be sent as they are; Content-Length, which every client adds by itself, is not among them. */
  headers: Record<string, string>;
  /** Milliseconds since 1970. */
  expiresAt: number;
}

export interface CallOptions {
  /** When it aborts, the call rejects at once with the signal's reason. */
  signal?: AbortSignal;
}

export interface ReadOptions {
  /** Default: the whole object. */
  range?: ByteRange | undefined;
  signal: AbortSignal;
}

/** Where results are kept. Keys come from `artifactKey`; every driver passes the same contract suite. */
export interface ArtifactStore {
  /**
   * Stores exactly `file.sizeBytes` bytes under `key`, then proves that the object is whole (size and SHA-256). Doing
   * it again, after whatever failure, is safe. Throws StorageError.
   */
  put(key: string, file: FileToStore | BytesToStore, options: { signal: AbortSignal }): Promise<void>;
  /** What is stored under `key`, or null when nothing whole is. Throws StorageError. */
  head(key: string, options?: CallOptions): Promise<StoredObject | null>;
  /**
   * The bytes of an object, of which no more is fetched than is read; null when nothing whole is stored under `key`.
   * To be read to its end or destroyed. How long that may take is the signal's matter: a reader that stops for long
   * may lose its connection. Of a range that reaches beyond the object's end, what there is; one that begins there is
   * `refused`. Throws StorageError, and so does the stream: a broken connection is never taken for the end.
   */
  read(key: string, options: ReadOptions): Promise<Readable | null>;
  /** Removes every object whose key begins with `prefix`; absent is fine. Throws StorageError. */
  removePrefix(prefix: string, options?: CallOptions): Promise<void>;
  /** A signed address that needs no other credential; the same for a while, so that browsers cache. No network call. */
  url(key: string, options: UrlOptions): Promise<string>;
  /**
   * A signed address that takes a PUT of a file of exactly this type and size, and needs no other credential. What it
   * stores has no SHA-256 for `head` where the driver did not see the bytes. May make the bucket. Throws
   * StorageError.
   */
  uploadUrl(key: string, options: UploadUrlOptions): Promise<UploadAddress>;
  /** Resolves when artifacts could be stored now, else throws StorageError. Makes the bucket or folder when missing. */
  check(options: { signal: AbortSignal }): Promise<void>;
  /** Frees sockets. Calls under way fail. */
  close(): void;
}
