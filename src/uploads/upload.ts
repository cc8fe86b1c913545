import type { Identity } from '../callers/identity.ts';

/**
 * A file that a caller has announced. Once it was uploaded, its bytes are in the artifact store under `uploadKey(id)`.
 */
export interface Upload {
  id: string;
  caller: string;
  /** Sanitised: safe to show, and as the name of a file. */
  filename: string;
  /** Lower case, without parameters. */
  contentType: string;
  sizeBytes: number;
}

/** Of a client's uploads that no job names yet; null: as for anybody. */
export interface UploadBounds {
  openUploads: number | null;
  uploadBytes: number | null;
}

/** Records of uploads, each with the time at which it expires. Every call throws when Redis cannot be reached. */
export interface UploadStore {
  /**
   * Counts it against its client until a job names it or it expires, and refuses it where the client, or all together,
   * have too many such, or the client's have too many bytes, of which there are `openBytes` then. One of the same id
   * counts once. `retired`: it is just being removed.
   */
  add(
    upload: Upload & { client?: string | undefined },
    lifeMs: number,
    bounds?: UploadBounds,
  ): Promise<'added' | 'tooManyOfClient' | 'tooMany' | 'retired' | { openBytes: number }>;
  /** Null when the upload was removed or retired. */
  get(id: string): Promise<Upload | null>;
  /** A job names the upload: keeps it for at least `lifeMs` from now. False when it was removed or retired. */
  keep(id: string, lifeMs: number): Promise<boolean>;
  /** The ids of uploads that have expired, the oldest first. */
  due(limit: number): Promise<string[]>;
  /** Moves an upload that could not be removed behind all others that have expired. */
  postpone(id: string): Promise<void>;
  /** Marks it as about to be removed, so that it cannot be kept any more. False when it no longer is expired. */
  retire(id: string): Promise<boolean>;
  /** Removes the record of a retired upload, after its bytes were removed. */
  remove(id: string): Promise<void>;
}

export interface UploadRequest {
  identity: Identity;
  requestId?: string;
  /** The peer address of the caller's connection, for the audit log. */
  address?: string | undefined;
  /** Whom it is counted against, by its address. */
  client?: string | undefined;
  /** Default: a new one. */
  id?: string | undefined;
  filename: string;
  contentType: string;
  sizeBytes: number;
}

/** The request by which a caller uploads the file: its method, URL and headers. */
export interface OpenUpload {
  id: string;
  method: 'PUT';
  url: string;
  headers: { [name: string]: string };
  /** When the URL expires, in milliseconds since 1970. */
  expiresAt: number;
}

/** The use cases of uploads. `create` rejects with GatewayError. */
export interface Uploads {
  create(request: UploadRequest): Promise<OpenUpload>;
}
