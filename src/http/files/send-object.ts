import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { StoredObject } from '../../artifacts/artifact-store.ts';
import { contentHeaders } from '../../artifacts/content-headers.ts';
import type { Grant } from '../../artifacts/signed-query.ts';
import { isErrno } from '../../files/errno.ts';
import { byteRange } from '../byte-range.ts';

/** A stored object that a signed address has asked for. */
export interface ServedObject extends StoredObject {
  grant: Grant;
  modifiedAt?: Date;
  /** The bytes from `start` to `end`, both included. */
  read(start: number, end: number): Readable | Promise<Readable>;
}

/**
 * Answers GET and HEAD: the headers, 304 where the client has it, a range where one is asked for. Resolves when the answer is
 * out or the client has left. Rejects when the object cannot be read: with the connection closed, or with nothing sent yet
 * where it could not even be opened. A client that takes no byte for `idleTimeoutMs` is given up.
 */
export async function sendObject(
  req: IncomingMessage,
  res: ServerResponse,
  object: ServedObject,
  { nowMs, idleTimeoutMs }: { nowMs: number; idleTimeoutMs: number },
): Promise<void> {
  setObjectHeaders(res, object, nowMs);
  await answer(req, res, object, idleTimeoutMs);
}

function setObjectHeaders(
  res: ServerResponse,
  { grant, contentType, sha256, modifiedAt }: ServedObject,
  nowMs: number,
): void {
  const headers = contentHeaders(contentType, grant.filename, grant.disposition === 'attachment');
  const maxAgeSeconds = Math.max(0, Math.floor(grant.expires - nowMs / 1000));
  res.setHeader('Content-Type', headers.contentType);
  res.setHeader('Content-Disposition', headers.contentDisposition);
  res.setHeader('Cache-Control', `private, max-age=${maxAgeSeconds}, immutable`);
  if (sha256 !== undefined) res.setHeader('ETag', `"${sha256}"`);
  if (modifiedAt !== undefined) res.setHeader('Last-Modified', modifiedAt.toUTCString());
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
  object: ServedObject,
  idleTimeoutMs: number,
): Promise<void> {
  const { sizeBytes } = object;
  if (isFresh(req, res)) {
    res.removeHeader('Content-Type');
    res.writeHead(304).end();
    return;
  }
  const range = req.method === 'GET' && rangeApplies(req, res) ? byteRange(req.headers.range, sizeBytes) : null;
  if (range === 'unsatisfiable') {
    removeObjectHeaders(res);
    res.setHeader('Content-Range', `bytes */${sizeBytes}`);
    refuse(res, 416);
    return;
  }
  const { start, end } = range ?? { start: 0, end: sizeBytes - 1 };
  const empty = req.method === 'HEAD' || sizeBytes === 0;
  const body = empty ? null : await opened(object.read(start, end), res);
  res.setHeader('Content-Length', end - start + 1);
  if (range !== null) res.setHeader('Content-Range', `bytes ${start}-${end}/${sizeBytes}`);
  res.writeHead(range === null ? 200 : 206);
  if (body === null) res.end();
  else await send(res, body, idleTimeoutMs);
}

/** Before anything is sent, so that there may still be another answer. */
async function opened(body: Readable | Promise<Readable>, res: ServerResponse): Promise<Readable> {
  try {
    return await body;
  } catch (error) {
    removeObjectHeaders(res);
    throw error;
  }
}

function removeObjectHeaders(res: ServerResponse): void {
  for (const name of ['ETag', 'Last-Modified', 'Cache-Control', 'Content-Disposition']) res.removeHeader(name);
}

async function send(res: ServerResponse, body: Readable, idleTimeoutMs: number): Promise<void> {
  const giveUp = () => res.destroy();
  res.setTimeout(idleTimeoutMs, giveUp);
  try {
    await pipeline(body, res);
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
  422: 'This picture cannot be converted.',
  500: 'The file cannot be read.',
  503: 'Too busy; try again.',
};

/** Says in a line why there is no file. */
export function refuse(res: ServerResponse, status: keyof typeof MESSAGES): true {
  if (!res.hasHeader('Cache-Control')) res.setHeader('Cache-Control', 'no-store');
  const body = `${MESSAGES[status]}\n`;
  res.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': Buffer.byteLength(body) });
  res.end(body);
  return true;
}
