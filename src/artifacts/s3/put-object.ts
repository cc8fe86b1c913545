import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { aborted } from 'node:util';
import type { Client } from 'minio';
import type { BytesToStore, FileToStore } from '../artifact-store.ts';
import { contentHeaders } from '../content-headers.ts';
import { contentOf } from '../source-file.ts';
import type { Exchange } from './s3-exchange.ts';

/** Keys are never written twice with different content, so whoever may see an object may keep it. */
const CACHE_CONTROL = 'private, max-age=604800, immutable';

/**
 * One PUT of known length and SHA-256, whatever the size. By a method of minio 8 that it marks as internal: its
 * `putObject` holds a body in memory to hash it, or splits it into parts, and never settles when the stream of it
 * dies. The contract suite stores 64 MB without holding them, and test/integration/artifacts/storage-faults.test.ts
 * ends uploads in every way.
 */
export async function putObject(
  client: Client,
  exchange: Exchange,
  bucket: string,
  key: string,
  file: FileToStore | BytesToStore,
): Promise<void> {
  const { contentType, contentDisposition } = contentHeaders(file.contentType, file.filename);
  const headers = {
    'content-length': String(file.sizeBytes),
    'content-type': contentType,
    'content-disposition': contentDisposition,
    'cache-control': CACHE_CONTROL,
    'x-amz-meta-sha256': file.sha256,
  };
  const options = { method: 'PUT', bucketName: bucket, objectName: key, headers };
  const body = Readable.from(bodyOf(exchange, file), { objectMode: false });
  const response = await client.makeRequestStreamAsync(options, body, file.sha256, [200], '');
  response.resume();
  await finished(response, { signal: exchange.signal });
}

/** Once the server has answered, the rest is held back, not ended: ending it early would cut the answer off. */
async function* bodyOf(exchange: Exchange, file: FileToStore | BytesToStore): AsyncGenerator<Buffer> {
  for await (const chunk of contentOf(file)) {
    if (!(await exchange.bodyWanted)) return;
    if (exchange.status() !== undefined) await aborted(exchange.signal, exchange);
    exchange.signal.throwIfAborted();
    yield chunk;
  }
}
