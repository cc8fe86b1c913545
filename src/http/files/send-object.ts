import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ArtifactStore, StoredObject } from '../../artifacts/artifact-store.ts';
import { contentHeaders } from '../../artifacts/content-headers.ts';
import type { Grant } from '../../artifacts/signed-query.ts';
import { isErrno } from '../../files/errno.ts';
import { isFresh, requestedRange } from './conditional-request.ts';
import { refuse } from './refusals.ts';

/** A stored object that a signed address has asked for. */
export interface ServedObject extends Pick<StoredObject, 'sizeBytes' | 'contentType' | 'sha256'> {
  grant: Grant;
  /** Undefined: no Last-Modified is sent. */
  modifiedAt: Date | undefined;
}

export interface SendOptions {
  artifacts: Pick<ArtifactStore, 'read'>;
  /** Milliseconds since 1970. */
  nowMs: number;
  /** A client that takes no byte for so long is given up. */
  idleTimeoutMs: number;
}

/**
 * Answers GET and HEAD: the headers, 304 where the client has it, a range where one is asked for. Resolves when the
 * answer is out or the client has left. Rejects when the object cannot be read: with the connection closed, or with
 * nothing sent yet where it could not even be opened. Either way nothing of the object is left open.
 */
export async function sendObject(
  req: IncomingMessage,
  res: ServerResponse,
  object: ServedObject,
  { artifacts, nowMs, idleTimeoutMs }: SendOptions,
): Promise<void> {
  const { grant, sizeBytes, sha256, modifiedAt } = object;
  const { contentType, contentDisposition } = contentHeaders(
    object.contentType,
    grant.filename,
    grant.disposition === 'attachment',
  );
  const validators = {
    ...(sha256 !== undefined && { ETag: `"${sha256}"` }),
    ...(modifiedAt !== undefined && { 'Last-Modified': modifiedAt.toUTCString() }),
  };
  const maxAgeSeconds = Math.max(0, Math.floor(grant.expires - nowMs / 1000));
  const cached = {
    ...validators,
    'Content-Disposition': contentDisposition,
    'Cache-Control': `private, max-age=${maxAgeSeconds}, immutable`,
  };
  setPolicy(res, contentType);
  if (isFresh(req, validators)) {
    res.writeHead(304, cached).end();
    return;
  }
  const range = req.method === 'GET' ? requestedRange(req, validators, sizeBytes) : null;
  if (range === 'unsatisfiable') {
    refuse(res, 'noSuchRange', { 'Content-Range': `bytes */${sizeBytes}` });
    return;
  }
  const { start, end } = range ?? { start: 0, end: sizeBytes - 1 };
  const writeHead = () =>
    res.writeHead(range === null ? 200 : 206, {
      ...cached,
      'Content-Type': contentType,
      'Content-Length': end - start + 1,
      ...(range !== null && { 'Content-Range': `bytes ${start}-${end}/${sizeBytes}` }),
    });
  if (req.method === 'HEAD' || sizeBytes === 0) {
    writeHead().end();
    return;
  }
  const over = new AbortController();
  try {
    const body = await artifacts.read(grant.key, { ...(range && { range }), signal: over.signal });
    if (body === null) {
      refuse(res, 'absent');
      return;
    }
    // The client has left meanwhile: the signal ends what was opened for it.
    if (res.destroyed) return;
    writeHead();
    await send(res, body, idleTimeoutMs);
  } finally {
    over.abort(new Error('the answer is out'));
  }
}

function setPolicy(res: ServerResponse, contentType: string): void {
  res.setHeader('Accept-Ranges', 'bytes');
  // Nothing in it is to run, whatever it turns out to be. A player is a page that loads itself once more, which the
  // opaque origin of a plain sandbox keeps it from; without allow-scripts the origin is of no use to the file.
  const sandbox = /^(?:audio|video)\//.test(contentType) ? 'sandbox allow-same-origin' : 'sandbox';
  const policy = `default-src 'none'; style-src 'unsafe-inline'; media-src 'self'; ${sandbox}`;
  res.setHeader('Content-Security-Policy', policy);
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
