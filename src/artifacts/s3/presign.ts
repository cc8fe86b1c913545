import { AwsV4Signer } from 'aws4fetch';
import { LRUCache } from 'lru-cache';
import { bucketUrl, type S3Endpoint } from './s3-call.ts';

export interface PresignedRequest {
  method: 'GET' | 'PUT';
  key: string;
  /** Milliseconds since 1970, on a whole second: the time to sign with. */
  startsAtMs: number;
  lifeSeconds: number;
  /** Query parameters that override headers of the answer (`response-…`). */
  query?: Record<string, string>;
  /** Signed too, so that the request is refused with any other. */
  headers?: Record<string, string>;
}

/**
 * A job's results are told anew with each of its events, ten times a second. Those of five jobs that have as many as
 * there may be; some 500 bytes each.
 */
const MOST_KEPT = 5_000;

/**
 * Signs addresses of a bucket, without a network call. Not by the minio client, which leaves the type and the length
 * of a body out of every signature. `endpoint` as whoever gets the address reaches it: the host is part of the
 * signature.
 */
export function createPresigner(server: S3Endpoint, bucket: string) {
  const { region, accessKey, secretKey } = server;
  const base = bucketUrl(server, bucket);
  /** The key that is derived from the secret for a day; one entry each. */
  const cache = new Map<string, ArrayBuffer>();
  const signed = new LRUCache<string, Promise<string>>({ max: MOST_KEPT });

  async function sign({ method, key, startsAtMs, lifeSeconds, query, headers }: PresignedRequest): Promise<string> {
    const signer = new AwsV4Signer({
      method,
      url: `${base}/${key}?${new URLSearchParams({ ...query, 'X-Amz-Expires': String(lifeSeconds) })}`,
      ...(headers && { headers }),
      allHeaders: true,
      signQuery: true,
      service: 's3',
      region,
      accessKeyId: accessKey,
      secretAccessKey: secretKey,
      datetime: new Date(startsAtMs).toISOString().replace(/[:-]|\.\d{3}/g, ''),
      cache,
    });
    const { url } = await signer.sign();
    // URLSearchParams writes a space as `+`, which S3 does not decode.
    return url.href.replaceAll('+', '%20');
  }

  return (request: PresignedRequest): Promise<string> => {
    const name = JSON.stringify(request);
    const known = signed.get(name);
    if (known) return known;
    const url = sign(request);
    signed.set(name, url);
    return url;
  };
}
