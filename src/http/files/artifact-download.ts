import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ArtifactStore, StorageError } from '../../artifacts/artifact-store.ts';
import { ARTIFACTS_PATH, parseAddress, verifiedGrant } from '../../artifacts/signed-query.ts';
import { refuse } from './refusals.ts';
import { sendObject } from './send-object.ts';

export interface ArtifactDownloadOptions {
  artifacts: Pick<ArtifactStore, 'head' | 'read'>;
  /** What the folder driver signs with. */
  signingSecret: string;
  /** Milliseconds since 1970. */
  now: () => number;
  /** A client that takes no byte for so long is given up, and its file closed. Default: two minutes. */
  idleTimeoutMs?: number;
}

/**
 * Serves the folder driver's signed addresses. The handler says false when the path is none of its own; otherwise it
 * resolves to true once the answer is out or the client has left, and rejects, after answering or closing the
 * connection, when the disk fails.
 */
export function createArtifactDownload(options: ArtifactDownloadOptions) {
  const { artifacts, signingSecret, now, idleTimeoutMs = 120_000 } = options;

  async function serve(req: IncomingMessage, res: ServerResponse, key: string, query: URLSearchParams): Promise<void> {
    const nowMs = now();
    const grant = verifiedGrant(key, query, signingSecret, nowMs);
    if (grant === null) {
      refuse(res, 'invalidAddress');
      return;
    }
    const object = await artifacts.head(key);
    if (object === null) refuse(res, 'absent');
    else await sendObject(req, res, { ...object, grant }, { artifacts, nowMs, idleTimeoutMs });
  }

  return async (req: IncomingMessage, res: ServerResponse): Promise<boolean> => {
    const address = parseAddress(ARTIFACTS_PATH, req.url);
    if (address === null) return false;
    res.setHeader('X-Content-Type-Options', 'nosniff');
    if (req.method !== 'GET' && req.method !== 'HEAD') return refuse(res, 'onlyReads', { Allow: 'GET, HEAD' });
    try {
      await serve(req, res, address.key, address.query);
    } catch (error) {
      if (res.headersSent) throw error;
      if (error instanceof StorageError && error.isOutOfDescriptors) return refuse(res, 'busy');
      refuse(res, 'unreadable');
      throw error;
    }
    return true;
  };
}
