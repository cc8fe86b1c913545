import type { FileHandle } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type OpenObject, openObject } from '../../artifacts/folder/folder-object.ts';
import { verifiedGrant } from '../../artifacts/signed-query.ts';
import { isErrno } from '../../files/errno.ts';
import { refuse, sendObject } from './send-object.ts';

export interface ArtifactDownloadOptions {
  /** The folder driver's. */
  folder: string;
  /** What the folder driver signs with. */
  signingSecret: string;
  /** Milliseconds since 1970. */
  now: () => number;
  /** A client that takes no byte for so long is given up, and its file closed. Default: two minutes. */
  idleTimeoutMs?: number;
}

const PATH = '/artifacts/';

/**
 * Serves the folder driver's signed addresses. The handler says false when the path is none of its own; otherwise it
 * resolves to true once the answer is out or the client has left, and rejects, after closing the connection, when the
 * disk fails.
 */
export function createArtifactDownload(options: ArtifactDownloadOptions) {
  const { folder, signingSecret, now, idleTimeoutMs = 120_000 } = options;

  return async (req: IncomingMessage, res: ServerResponse): Promise<boolean> => {
    const [path = '', query = ''] = splitOnce(req.url ?? '', '?');
    if (!path.startsWith(PATH)) return false;
    res.setHeader('X-Content-Type-Options', 'nosniff');
    if (req.method !== 'GET' && req.method !== 'HEAD') {
      res.setHeader('Allow', 'GET, HEAD');
      return refuse(res, 405);
    }
    const nowMs = now();
    const grant = verifiedGrant(path.slice(PATH.length), new URLSearchParams(query), signingSecret, nowMs);
    if (grant === null) return refuse(res, 403);
    const object = await openObject(folder, grant.key).catch((error: unknown) => {
      // Out of descriptors: a moment later it works.
      if (isErrno(error, 'EMFILE', 'ENFILE')) return 'busy' as const;
      refuse(res, 500);
      throw error;
    });
    if (object === 'busy') return refuse(res, 503);
    if (object === null) return refuse(res, 404);
    try {
      await sendObject(req, res, { ...objectOf(object), grant }, { nowMs, idleTimeoutMs });
    } finally {
      await closed(object.file);
    }
    return true;
  };
}

function objectOf({ file, description, modifiedAt }: OpenObject) {
  return {
    ...description,
    modifiedAt,
    read: (start: number, end: number) => file.createReadStream({ start, end, autoClose: false }),
  };
}

/** `autoClose` is off, so that there is one place that closes; the stream may have done so while being destroyed. */
async function closed(file: FileHandle): Promise<void> {
  if (file.fd !== -1) await file.close();
}

function splitOnce(text: string, separator: string): string[] {
  const at = text.indexOf(separator);
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}
