/**
 * A file that a caller announced. Its bytes are in the artifact store under `uploadKey(id)`, once they have been put
 * there.
 */
export interface Upload {
  id: string;
  caller: string;
  /** Safe to show and to save under. */
  filename: string;
  /** Lower case, without parameters. */
  contentType: string;
  sizeBytes: number;
}

/** Records of uploads, each with the time at which it goes. Every call throws when Redis cannot be reached. */
export interface UploadStore {
  add(upload: Upload, lifeMs: number): Promise<void>;
  /** Null when it is gone, or about to be. */
  get(id: string): Promise<Upload | null>;
  /** Lets it stay for at least so long from now. False when it is gone, or about to be. */
  keep(id: string, lifeMs: number): Promise<boolean>;
  /** Ids of those whose time is over, the oldest first. */
  due(limit: number): Promise<string[]>;
  /** Puts one that could not be removed behind all others that are due. */
  postpone(id: string): Promise<void>;
  /** From now on it is as if gone, and can no longer be kept. False when it has been kept meanwhile. */
  retire(id: string): Promise<boolean>;
  /** Forgets a retired one, once its bytes are gone. */
  remove(id: string): Promise<void>;
}

export interface UploadRequest {
  caller: string;
  requestId?: string;
  /** Where the call came from, for the audit log. */
  address?: string | undefined;
  filename: string;
  contentType: string;
  sizeBytes: number;
}

/** What a caller is to send where. */
export interface OpenUpload {
  id: string;
  method: 'PUT';
  url: string;
  headers: { [name: string]: string };
  /** Milliseconds since 1970: from then on the address does not work. */
  expiresAt: number;
}

/** What callers may do with uploads. Rejects with GatewayError. */
export interface Uploads {
  create(request: UploadRequest): Promise<OpenUpload>;
}
