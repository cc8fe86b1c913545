import type { FileHandle } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { contentHeaders } from '../artifacts/content-headers.ts';
import { isErrno, type OpenObject, openObject } from '../artifacts/folder-object.ts';
import { type Grant, verifiedGrant } from '../artifacts/signed-query.ts';
import { byteRange } from './byte-range.ts';

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
      setObjectHeaders(res, grant, object, nowMs);
      await answer(req, res, object, idleTimeoutMs);
    } finally {
      await closed(object.file);
    }
    return true;
  };
}

function setObjectHeaders(
  res: ServerResponse,
  grant: Grant,
  { description, modifiedAt }: OpenObject,
  nowMs: number,
): void {
  const headers = contentHeaders(description.contentType, grant.filename, grant.disposition === 'attachment');
  const maxAgeSeconds = Math.max(0, Math.floor(grant.expires - nowMs / 1000));
  res.setHeader('Content-Type', headers.contentType);
  res.setHeader('Content-Disposition', headers.contentDisposition);
  res.setHeader('Cache-Control', `private, max-age=${maxAgeSeconds}, immutable`);
  res.setHeader('ETag', `"${description.sha256}"`);
  res.setHeader('Last-Modified', modifiedAt.toUTCString());
  res.setHeader('Accept-Ranges', 'bytes');
  // Nothing in it is to run, whatever it turns out to be. A player is a page that loads itself once more, which the
  // opaque origin of a plain sandbox keeps it from; without allow-scripts the origin is of no use to the file.
  const sandbox = /^(?:audio|video)\//.test(headers.contentType) ? 'sandbox allow-same-origin' : 'sandbox';
  const policy = `default-src 'none'; style-src 'unsafe-inline'; media-src 'self'; ${sandbox}`;
  res.setHeader('Content-Security-Policy', policy);
  // The address is the permission: pages of other origins that hold one may show the picture.
  res.setHeader('Cross-Origin-Resource-Policy', 'cross-origin');
}

async function answer(
  req: IncomingMessage,
  res: ServerResponse,
  object: OpenObject,
  idleTimeoutMs: number,
): Promise<void> {
  const { sizeBytes } = object.description;
  if (isFresh(req, res)) {
    res.removeHeader('Content-Type');
    res.writeHead(304).end();
    return;
  }
  const range = req.method === 'GET' && rangeApplies(req, res) ? byteRange(req.headers.range, sizeBytes) : null;
  if (range === 'unsatisfiable') {
    for (const name of ['ETag', 'Last-Modified', 'Cache-Control', 'Content-Disposition']) res.removeHeader(name);
    res.setHeader('Content-Range', `bytes */${sizeBytes}`);
    refuse(res, 416);
    return;
  }
  const { start, end } = range ?? { start: 0, end: sizeBytes - 1 };
  res.setHeader('Content-Length', end - start + 1);
  if (range !== null) res.setHeader('Content-Range', `bytes ${start}-${end}/${sizeBytes}`);
  res.writeHead(range === null ? 200 : 206);
  if (req.method === 'HEAD' || sizeBytes === 0) res.end();
  else await send(res, object.file, start, end, idleTimeoutMs);
}

async function send(
  res: ServerResponse,
  file: FileHandle,
  start: number,
  end: number,
  idleTimeoutMs: number,
): Promise<void> {
  const giveUp = () => res.destroy();
  res.setTimeout(idleTimeoutMs, giveUp);
  try {
    await pipeline(file.createReadStream({ start, end, autoClose: false }), res);
  } catch (error) {
    res.destroy();
    // The client left: browsers do, whenever a player jumps or a page closes. Nobody is there to be told.
    if (!isErrno(error, 'ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_DESTROYED', 'ECONNRESET', 'EPIPE')) throw error;
  } finally {
    res.off('timeout', giveUp);
  }
}

/** RFC 9110, 13.2.2: If-None-Match decides alone where it is given. */
function isFresh(req: IncomingMessage, res: ServerResponse): boolean {
  const noneMatch = req.headers['if-none-match'];
  if (noneMatch !== undefined) {
    const etag = res.getHeader('ETag');
    return noneMatch.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag);
  }
  const since = Date.parse(req.headers['if-modified-since'] ?? '');
  return Date.parse(String(res.getHeader('Last-Modified'))) <= since;
}

/** If-Range: the rest of a file that is no longer the same must not be glued to its beginning. Weak tags never match. */
function rangeApplies(req: IncomingMessage, res: ServerResponse): boolean {
  const condition = req.headers['if-range'];
  return condition === undefined || condition === res.getHeader('ETag') || condition === res.getHeader('Last-Modified');
}

const MESSAGES = {
  403: 'This address is not valid, or no longer.',
  404: 'There is nothing here, or no longer.',
  405: 'Only GET and HEAD.',
  416: 'The file has no such range.',
  500: 'The file cannot be read.',
  503: 'Too busy; try again.',
};

function refuse(res: ServerResponse, status: keyof typeof MESSAGES): true {
  if (!res.hasHeader('Cache-Control')) res.setHeader('Cache-Control', 'no-store');
  const body = `${MESSAGES[status]}\n`;
  res.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': Buffer.byteLength(body) });
  res.end(body);
  return true;
}

/** `autoClose` is off, so that there is one place that closes; the stream may have done so while being destroyed. */
async function closed(file: FileHandle): Promise<void> {
  if (file.fd !== -1) await file.close();
}

function splitOnce(text: string, separator: string): string[] {
  const at = text.indexOf(separator);
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}
