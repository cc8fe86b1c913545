import { rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type FileToStore, StorageError } from '../../artifacts/artifact-store.ts';
import { ARTIFACTS_PATH, parseAddress, type UploadGrant, verifiedUploadGrant } from '../../artifacts/signed-query.ts';
import { SpoolError, spool } from '../../files/spool.ts';
import { discardBody } from '../request-body.ts';
import { type Refusal, refuse, sendLine } from './refusals.ts';
import { createUploadGate, type UploadGate } from './upload-gate.ts';

export interface ArtifactUploadOptions {
  /** Where files are taken, as the folder driver has it. */
  uploads: {
    /** A new folder for the bytes that are to become an object, until they are all there. */
    collectIn(key: string): string;
    /** Makes a file of that folder the object; false where other bytes came first. Throws StorageError. */
    putOnce(key: string, file: FileToStore): Promise<boolean>;
  };
  /** What the folder driver signs with. */
  signingSecret: string;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Default: by the bounds of `createUploadGate`. */
  gate?: UploadGate;
  /** For the whole of a file. Default: a quarter of an hour. */
  timeoutMs?: number;
}

/**
 * Takes a file at an address that the folder driver signed: of just the size and type that were signed, whole or not
 * at all, and once; the same bytes again are fine, so that a client may repeat what was not answered. The handler
 * says false when the path is none of its own.
 */
export function createArtifactUpload(options: ArtifactUploadOptions) {
  const { uploads, signingSecret, now, gate = createUploadGate(), timeoutMs = 900_000 } = options;

  return async (req: IncomingMessage, res: ServerResponse): Promise<boolean> => {
    const address = parseAddress(ARTIFACTS_PATH, req.url);
    if (address === null) return false;
    const grant = verifiedUploadGrant(address.key, address.query, signingSecret, now());
    if (grant === null) return answer(req, res, 'invalidAddress');
    const refusal = checkHeaders(req, grant);
    if (refusal !== null) return answer(req, res, refusal);
    const late = new AbortController();
    const giveUp = () => late.abort(new Error('too slow'));
    const leave = gate.admit(req, giveUp);
    if (typeof leave === 'string') return answer(req, res, leave);
    const limit = setTimeout(giveUp, timeoutMs);
    try {
      return answer(req, res, await take(req, grant, uploads, late.signal));
    } finally {
      clearTimeout(limit);
      leave();
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
  { collectIn, putOnce }: ArtifactUploadOptions['uploads'],
  signal: AbortSignal,
): Promise<Refusal | 'stored'> {
  const dir = collectIn(key);
  try {
    // Left early, the request stays open, so that it can be answered.
    const body = req.iterator({ destroyOnReturn: false });
    const file = await spool(body, dir, { expectedLength: size, signal });
    return (await putOnce(key, { ...file, contentType: type, filename: 'upload' })) ? 'stored' : 'taken';
  } catch (cause) {
    if (signal.aborted) return 'tooSlow';
    if (cause instanceof SpoolError) return cause.reason === 'full' ? 'full' : 'tooShort';
    if (cause instanceof StorageError) return cause.reason === 'full' ? 'full' : 'busy';
    // The client left: nobody is there to be told.
    if (req.destroyed && !req.complete) return 'tooShort';
    throw cause;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** What a refusal says beside its line. */
const HEADERS: Partial<Record<Refusal, Record<string, string>>> = {
  busy: { 'Retry-After': '5' },
  tooManyOfClient: { 'Retry-After': '5' },
  tooSlow: { Connection: 'close' },
};

function answer(req: IncomingMessage, res: ServerResponse, outcome: Refusal | 'stored'): true {
  if (outcome === 'stored') sendLine(res, 200, 'Stored.');
  else refuse(res, outcome, HEADERS[outcome]);
  discardBody(req);
  return true;
}
