import { rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ArtifactStore, StorageError } from '../../artifacts/artifact-store.ts';
import { ARTIFACTS_PATH, parseAddress, type UploadGrant, verifiedUploadGrant } from '../../artifacts/signed-query.ts';
import { SpoolError, spool } from '../../files/spool.ts';
import { discardBody } from '../request-body.ts';
import { type Refusal, refuse, sendLine } from './refusals.ts';

export interface ArtifactUploadOptions {
  artifacts: Pick<ArtifactStore, 'put' | 'head'>;
  /** What the folder driver signs with. */
  signingSecret: string;
  /** A new folder for the bytes that are to become an object, where it is to be made, until they are all there. */
  collectIn: (key: string) => string;
  /** Milliseconds since 1970. */
  now: () => number;
  /** A client that sends no byte for so long is given up. Default: 30 s. */
  idleTimeoutMs?: number;
  /** For the whole of a file. Default: a quarter of an hour. */
  timeoutMs?: number;
  /** Files that are taken at a time. Default: 32. */
  maxAtOnce?: number;
}

/**
 * Takes a file at an address that the folder driver signed: of just the size and type that were signed, whole or not
 * at all, and once; the same bytes again are fine, so that a client may repeat what was not answered. The handler
 * says false when the path is none of its own.
 */
export function createArtifactUpload(options: ArtifactUploadOptions) {
  const { signingSecret, now, maxAtOnce = 32 } = options;
  let underWay = 0;

  return async (req: IncomingMessage, res: ServerResponse): Promise<boolean> => {
    const address = parseAddress(ARTIFACTS_PATH, req.url);
    if (address === null) return false;
    const grant = verifiedUploadGrant(address.key, address.query, signingSecret, now());
    if (grant === null) return answer(req, res, 'invalidAddress');
    const refusal = checkHeaders(req, grant);
    if (refusal !== null) return answer(req, res, refusal);
    if (underWay >= maxAtOnce) return answer(req, res, 'busy');
    underWay++;
    try {
      return answer(req, res, await take(req, grant, options));
    } finally {
      underWay--;
    }
  };
}

/** What the headers say that the address does not let through. */
function checkHeaders({ headers }: IncomingMessage, { size, type }: UploadGrant): Refusal | null {
  const length = headers['content-length'];
  if (length === undefined) return 'lengthRequired';
  if (Number(length) !== size) return Number(length) > size ? 'tooLong' : 'tooShort';
  return headers['content-type']?.toLowerCase() === type ? null : 'anotherType';
}

async function take(
  req: IncomingMessage,
  { key, size, type }: UploadGrant,
  { artifacts, collectIn, idleTimeoutMs = 30_000, timeoutMs = 900_000 }: ArtifactUploadOptions,
): Promise<Refusal | 'stored'> {
  const late = new AbortController();
  const giveUp = () => late.abort(new Error('too slow'));
  const limit = setTimeout(giveUp, timeoutMs);
  const dir = collectIn(key);
  try {
    const body = chunksOf(req, idleTimeoutMs, giveUp);
    const file = await spool(body, dir, { expectedLength: size, signal: late.signal });
    const earlier = await artifacts.head(key);
    if (earlier !== null) return earlier.sha256 === file.sha256 ? 'stored' : 'taken';
    await artifacts.put(key, { ...file, contentType: type, filename: 'upload' }, { signal: late.signal });
    return 'stored';
  } catch (cause) {
    if (late.signal.aborted) return 'tooSlow';
    if (cause instanceof SpoolError) return cause.reason === 'full' ? 'full' : 'tooShort';
    if (cause instanceof StorageError) return cause.reason === 'full' ? 'full' : 'busy';
    // The client left: nobody is there to be told.
    if (req.destroyed && !req.complete) return 'tooShort';
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

/** What a refusal says beside its line. */
const HEADERS: Partial<Record<Refusal, Record<string, string>>> = {
  busy: { 'Retry-After': '5' },
  tooSlow: { Connection: 'close' },
};

function answer(req: IncomingMessage, res: ServerResponse, outcome: Refusal | 'stored'): true {
  if (outcome === 'stored') sendLine(res, 200, 'Stored.');
  else refuse(res, outcome, HEADERS[outcome]);
  discardBody(req);
  return true;
}
