import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { isErrno } from './folder-object.ts';

export type SpoolFailure =
  /** The stream ended before the announced length: get it again. */
  | 'truncated'
  /** More than was announced or is allowed. */
  | 'oversize'
  /** No room on the local disk. */
  | 'full';

export class SpoolError extends Error {
  override readonly name = 'SpoolError';
  readonly reason: SpoolFailure;

  constructor(reason: SpoolFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

export interface SpoolOptions {
  /** Bytes that must come, no more and no fewer: the Content-Length, where there is one. */
  expectedLength?: number | undefined;
  /** Bytes that may come at most. Default: no limit. */
  maxBytes?: number | undefined;
  /** When it aborts, the stream is cancelled, the file removed, and the call rejects with an AbortError. */
  signal: AbortSignal;
}

export interface SpooledFile {
  path: string;
  sizeBytes: number;
  /** Lower-case hex. */
  sha256: string;
  /** Removes the file. Any number of times. */
  dispose(): Promise<void>;
}

/**
 * Writes a stream to a temporary file in `dir` (made when missing) as fast as the disk takes it, hashing on the way.
 * When it fails nothing is left behind. Throws SpoolError, an AbortError, or whatever the stream failed with.
 */
export async function spool(
  stream: ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>,
  dir: string,
  { expectedLength = Number.NaN, maxBytes = Number.POSITIVE_INFINITY, signal }: SpoolOptions,
): Promise<SpooledFile> {
  await mkdir(dir, { recursive: true });
  const path = join(dir, `spool-${randomUUID()}`);
  const dispose = () => rm(path, { force: true });
  const hash = createHash('sha256');
  let sizeBytes = 0;

  async function* counted(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      sizeBytes += chunk.byteLength;
      if (sizeBytes > maxBytes) throw new SpoolError('oversize', `more than the ${maxBytes} bytes that are allowed`);
      if (sizeBytes > expectedLength)
        throw new SpoolError('oversize', `more than the announced ${expectedLength} bytes`);
      hash.update(chunk);
      yield chunk;
    }
  }

  try {
    await pipeline(stream, counted, createWriteStream(path, { flags: 'wx', mode: 0o600 }), { signal });
    if (sizeBytes < expectedLength) {
      throw new SpoolError('truncated', `ended after ${sizeBytes} of ${expectedLength} bytes`);
    }
  } catch (error) {
    await dispose();
    if (isErrno(error, 'ENOSPC', 'EDQUOT')) throw new SpoolError('full', 'no room on the local disk', { cause: error });
    throw error;
  }
  return { path, sizeBytes, sha256: hash.digest('hex'), dispose };
}
