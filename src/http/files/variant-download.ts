import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { Logger } from 'pino';
import { type ArtifactStore, StorageError } from '../../artifacts/artifact-store.ts';
import { jobIdIn } from '../../artifacts/keys.ts';
import { throttledWarning } from '../../observability/throttled.ts';
import type { VariantMaker } from '../../variants/make-variants.ts';
import { VariantError } from '../../variants/variant.ts';
import type { VariantAddresses } from '../../variants/variant-addresses.ts';
import { refuse, sendObject } from './send-object.ts';

export interface VariantDownloadOptions {
  addresses: Pick<VariantAddresses, 'verified'>;
  maker: Pick<VariantMaker, 'ensure'>;
  artifacts: Pick<ArtifactStore, 'read'>;
  /** Milliseconds since 1970. */
  now: () => number;
  log: Logger;
}

export const VARIANTS_PATH = '/variants/';
const IDLE_TIMEOUT_MS = 120_000;
const RETRY_AFTER_SECONDS = 5;

/**
 * Serves pictures that are made of others, at the addresses that ImageArtifact.url signs. The first who asks has it made. The
 * handler says false when the address is none of its own; otherwise it resolves to true once the answer is out or the client has
 * left.
 */
export function createVariantDownload({ addresses, maker, artifacts, now, log }: VariantDownloadOptions) {
  const storageFailed = throttledWarning(log, 'pictures could not be served: storage failed');

  async function serve(req: IncomingMessage, res: ServerResponse, key: string, query: URLSearchParams): Promise<void> {
    const grant = addresses.verified(key, query);
    if (grant === null) {
      refuse(res, 403);
      return;
    }
    const object = await maker.ensure(key);
    const left = new AbortController();
    const read = async (start: number, end: number) => {
      const body = await artifacts.read(key, { signal: left.signal });
      if (body === null) throw new VariantError('gone', 'removed just now');
      // Drivers read from the beginning; pictures are short enough to skip what comes before a part.
      const whole = start === 0 && end === object.sizeBytes - 1;
      return whole ? body : Readable.from(part(body, start, end));
    };
    try {
      await sendObject(req, res, { ...object, grant, read }, { nowMs: now(), idleTimeoutMs: IDLE_TIMEOUT_MS });
      storageFailed.over();
    } finally {
      left.abort(new Error('the answer is out'));
    }
  }

  function explain(res: ServerResponse, error: unknown, jobId: string | undefined): void {
    const failure = error instanceof VariantError ? error.reason : null;
    if (error instanceof StorageError) storageFailed(error, { jobId });
    else if (failure === null) throw error;
    if (res.headersSent) {
      res.destroy();
      return;
    }
    if (failure === 'gone') refuse(res, 404);
    else if (failure === 'unreadable') refuse(res, 422);
    else {
      res.setHeader('Retry-After', RETRY_AFTER_SECONDS);
      refuse(res, 503);
    }
  }

  return async (req: IncomingMessage, res: ServerResponse): Promise<boolean> => {
    const [path = '', ...rest] = (req.url ?? '').split('?');
    const query = new URLSearchParams(rest.join('?'));
    // A bucket may have this name, and its addresses lead here where the gateway is its public endpoint.
    if (!path.startsWith(VARIANTS_PATH) || query.has('X-Amz-Signature')) return false;
    res.setHeader('X-Content-Type-Options', 'nosniff');
    if (req.method !== 'GET' && req.method !== 'HEAD') {
      res.setHeader('Allow', 'GET, HEAD');
      return refuse(res, 405);
    }
    const key = path.slice(VARIANTS_PATH.length);
    try {
      await serve(req, res, key, query);
    } catch (error) {
      explain(res, error, jobIdIn(key));
    }
    return true;
  };
}

async function* part(body: Readable, start: number, end: number): AsyncGenerator<Buffer> {
  let position = 0;
  for await (const chunk of body) {
    const bytes: Buffer = chunk.subarray(Math.max(0, start - position), end + 1 - position);
    position += chunk.length;
    if (bytes.length > 0) yield bytes;
    if (position > end) return;
  }
}
