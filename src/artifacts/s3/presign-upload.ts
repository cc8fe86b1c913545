import { AwsV4Signer } from 'aws4fetch';
import type { UploadAddress, UploadUrlOptions } from '../artifact-store.ts';

export interface SigningOptions {
  /** As whoever uploads reaches it; the host is part of the signature. */
  endpoint: string;
  region: string;
  bucket: string;
  accessKey: string;
  secretKey: string;
  /** Milliseconds since 1970. */
  now: () => number;
}

/**
 * Signs a PUT together with the type and the length of its body, so that the S3 server refuses any other. The minio client
 * leaves these two headers out of every signature.
 */
export async function presignUpload(
  { endpoint, region, bucket, accessKey, secretKey, now }: SigningOptions,
  key: string,
  { contentType, sizeBytes, expiresInSeconds }: UploadUrlOptions,
): Promise<UploadAddress> {
  const startsAtMs = Math.floor(now() / 1000) * 1000;
  const signer = new AwsV4Signer({
    method: 'PUT',
    url: `${endpoint.replace(/\/$/, '')}/${bucket}/${key}?X-Amz-Expires=${expiresInSeconds}`,
    headers: { 'Content-Type': contentType, 'Content-Length': String(sizeBytes) },
    allHeaders: true,
    signQuery: true,
    service: 's3',
    region,
    accessKeyId: accessKey,
    secretAccessKey: secretKey,
    datetime: new Date(startsAtMs).toISOString().replace(/[:-]|\.\d{3}/g, ''),
  });
  const { url } = await signer.sign();
  return {
    url: url.href,
    headers: { 'Content-Type': contentType },
    expiresAt: startsAtMs + expiresInSeconds * 1000,
  };
}
