import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { type ArtifactStore, StorageError } from '../../artifacts/artifact-store.ts';
import { jobIdIn } from '../../artifacts/keys.ts';
import { parseAddress } from '../../artifacts/signed-query.ts';
import { throttledWarning } from '../../observability/throttled.ts';
import type { VariantMaker } from '../../variants/make-variants.ts';
import { VariantError } from '../../variants/variant.ts';
import { VARIANTS_PATH, type VariantAddresses } from '../../variants/variant-addresses.ts';
import { HttpFault, sendFault } from '../reply.ts';
import { refuse } from './refusals.ts';
import { sendObject } from './send-object.ts';

export interface VariantDownloadOptions {
  addresses: Pick<VariantAddresses, 'verified'>;
  maker: Pick<VariantMaker, 'ensure'>;
  artifacts: Pick<ArtifactStore, 'read'>;
  /** Milliseconds since 1970. */
  now: () => number;
  log: Logger;
}

const IDLE_TIMEOUT_MS = 120_000;
const RETRY_AFTER = { 'Retry-After': '5' };

/**
 * Serves pictures that are made of others, at the addresses that ImageArtifact.url signs. The first who asks has it
 * made. The handler says false when the address is none of its own; otherwise it resolves to true once the answer is
 * out or the client has left.
 */
export function createVariantDownload({ addresses, maker, artifacts, now, log }: VariantDownloadOptions) {
  const storageFailed = throttledWarning(log, 'pictures could not be served: storage failed');

  async function serve(req: IncomingMessage, res: ServerResponse, key: string, query: URLSearchParams): Promise<void> {
    const grant = addresses.verified(key, query);
    if (grant === null) {
      refuse(res, 'invalidAddress');
      return;
    }
    // When it was made says nothing of the picture.
    const object = { ...(await maker.ensure(key)), grant, modifiedAt: undefined };
    await sendObject(req, res, object, { artifacts, nowMs: now(), idleTimeoutMs: IDLE_TIMEOUT_MS });
    storageFailed.over();
  }

  function explain(res: ServerResponse, error: unknown, jobId: string | undefined): void {
    if (error instanceof StorageError) storageFailed(error, { jobId });
    else if (!(error instanceof VariantError)) throw error;
    const failure = error instanceof VariantError ? error.reason : 'busy';
    if (res.headersSent) res.destroy();
    else if (failure === 'gone') refuse(res, 'absent');
    else if (failure === 'busy') refuse(res, 'busy', RETRY_AFTER);
    else if (failure === 'unreadable')
      sendFault(res, unconvertible('OUTPUT_INVALID', 'it is broken or of another kind'));
    else sendFault(res, unconvertible('LIMIT_EXCEEDED', error.message));
  }

  return async (req: IncomingMessage, res: ServerResponse): Promise<boolean> => {
    const address = parseAddress(VARIANTS_PATH, req.url);
    // A bucket may have this name, and its addresses lead here where the gateway is its public endpoint.
    if (address === null || address.query.has('X-Amz-Signature')) return false;
    res.setHeader('X-Content-Type-Options', 'nosniff');
    if (req.method !== 'GET' && req.method !== 'HEAD') return refuse(res, 'onlyReads', { Allow: 'GET, HEAD' });
    try {
      await serve(req, res, address.key, address.query);
    } catch (error) {
      explain(res, error, jobIdIn(address.key));
    }
    return true;
  };
}

/** Another width, quality or format may do, so what is wrong is said as GraphQL says it: by a code. */
function unconvertible(code: string, why: string): HttpFault {
  return new HttpFault(422, code, `This picture cannot be converted: ${why}.`);
}
