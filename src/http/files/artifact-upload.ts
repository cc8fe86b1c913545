import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { basename, dirname, join } from 'node:path';
import { type ArtifactStore, StorageError } from '../../artifacts/artifact-store.ts';
import { objectPaths } from '../../artifacts/folder/folder-object.ts';
import { type UploadGrant, verifiedUploadGrant } from '../../artifacts/signed-query.ts';
import { SpoolError, spool } from '../../files/spool.ts';
import { discardBody } from '../request-body.ts';

export interface ArtifactUploadOptions {
  /** The folder driver's, and what it signs with. */
  folder: string;
  signingSecret: string;
  artifacts: Pick<ArtifactStore, 'put' | 'head'>;
  /** Milliseconds since 1970. */
  now: () => number;
  /** A client that sends no byte for so long is given up. Default: 30 s. */
  idleTimeoutMs?: number;
  /** For the whole of a file. Default: a quarter of an hour. */
  timeoutMs?: number;
  /** Files that are taken at a time. Default: 32. */
  maxAtOnce?: number;
}

const PATH = '/artifacts/';

/**
 * Takes a file at an address that the folder driver signed: of just the size and type that were signed, whole or not at all,
 * and once; the same bytes again are fine, so that a client may repeat what was not answered. The handler says false when the
 * path is none of its own.
 */
export function createArtifactUpload(options: ArtifactUploadOptions) {
  const { signingSecret, now, maxAtOnce = 32 } = options;
  let underWay = 0;

  return async (req: IncomingMessage, res: ServerResponse): Promise<boolean> => {
    const { url = '' } = req;
    if (!url.startsWith(PATH)) return false;
    const [, key = '', query = ''] = /^([^?]*)\??(.*)$/s.exec(url.slice(PATH.length)) ?? [];
    const grant = verifiedUploadGrant(key, new URLSearchParams(query), signingSecret, now());
    const fault = grant === null ? 403 : unfit(req, grant);
    if (grant === null || fault !== null) return answer(req, res, fault ?? 403);
    if (underWay >= maxAtOnce) return answer(req, res, 503);
    underWay++;
    try {
      return answer(req, res, await take(req, grant, options));
    } finally {
      underWay--;
    }
  };
}

/** What the headers say that the address does not let through. */
function unfit({ headers }: IncomingMessage, { size, type }: UploadGrant): keyof typeof MESSAGES | null {
  const length = headers['content-length'];
  if (length === undefined) return 411;
  if (Number(length) !== size) return Number(length) > size ? 413 : 400;
  return headers['content-type']?.toLowerCase() === type ? null : 415;
}

async function take(
  req: IncomingMessage,
  { key, size, type }: UploadGrant,
  { folder, artifacts, idleTimeoutMs = 30_000, timeoutMs = 900_000 }: ArtifactUploadOptions,
): Promise<keyof typeof MESSAGES> {
  const late = new AbortController();
  const giveUp = () => late.abort(new Error('too slow'));
  const limit = setTimeout(giveUp, timeoutMs);
  const { data } = objectPaths(folder, key);
  // Its name begins as the object's, so that what a crash leaves goes when the upload expires.
  const dir = join(dirname(data), `.${basename(data)}.${randomUUID()}`);
  try {
    const body = chunksOf(req, idleTimeoutMs, giveUp);
    const file = await spool(body, dir, { expectedLength: size, signal: late.signal });
    const earlier = await artifacts.head(key);
    if (earlier !== null) return earlier.sha256 === file.sha256 ? 200 : 409;
    await artifacts.put(key, { ...file, contentType: type, filename: 'upload' }, { signal: late.signal });
    return 200;
  } catch (cause) {
    if (late.signal.aborted) return 408;
    if (cause instanceof SpoolError) return cause.reason === 'full' ? 507 : 400;
    if (cause instanceof StorageError) return cause.reason === 'full' ? 507 : 503;
    // The client left: nobody is there to be told.
    if (req.destroyed && !req.complete) return 400;
    throw cause;
  } finally {
    clearTimeout(limit);
    await rm(dir, { recursive: true, force: true });
  }
}

/** Left early, the request stays open, so that it can be answered. */
async function* chunksOf(req: IncomingMessage, idleTimeoutMs: number, giveUp: () => void): AsyncGenerator<Buffer> {
  const idle = setTimeout(giveUp, idleTimeoutMs);
  try {
    for await (const chunk of req.iterator({ destroyOnReturn: false })) {
      idle.refresh();
      yield chunk;
    }
  } finally {
    clearTimeout(idle);
  }
}

const MESSAGES = {
  200: 'Stored.',
  400: 'The body is shorter than the file that was announced.',
  403: 'This address is not valid, or no longer.',
  408: 'The body took too long.',
  409: 'Another file has been put here; ask for a new address.',
  411: 'Expected a Content-Length.',
  413: 'The body is longer than the file that was announced.',
  415: 'Expected the Content-Type that was announced.',
  503: 'Too busy; try again.',
  507: 'There is no room for the file.',
};

function answer(req: IncomingMessage, res: ServerResponse, status: keyof typeof MESSAGES): true {
  const body = `${MESSAGES[status]}\n`;
  res.writeHead(status, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    ...(status === 503 && { 'Retry-After': '5' }),
    ...(status === 408 && { Connection: 'close' }),
  });
  res.end(body);
  discardBody(req);
  return true;
}
