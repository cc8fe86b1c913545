import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ReadableStream } from 'node:stream/web';
import { unlessAborted } from '../async/abort.ts';
import { isErrno } from './errno.ts';
import { createMinorGc } from './minor-gc.ts';

export type SpoolFailure =
  /** The stream ended before the announced length. Fetching it again may help. */
  | 'truncated'
  /** The stream is longer than was announced or is allowed. */
  | 'oversize'
  /** The local disk has no room for it. */
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
  /** The exact number of bytes that must come: the Content-Length, where there is one. */
  expectedLength?: number | undefined;
  /** The most bytes that may come. Default: no limit. */
  maxBytes?: number | undefined;
  /** What the disk keeps free, in bytes, whatever comes; default 16 MiB. */
  reserveBytes?: number | undefined;
  /** Called with the bytes of each piece before it is written. What it throws ends the call. */
  count?: ((bytes: number) => void) | undefined;
  /** Transforms the bytes. Its output is written, hashed and counted. Default: none. */
  transform?: Transform | undefined;
  /** When it aborts, the stream is cancelled, the file removed, and the call rejects with its reason. */
  signal: AbortSignal;
}

export interface SpooledFile {
  path: string;
  sizeBytes: number;
  /** In lower-case hexadecimal. */
  sha256: string;
  /** Removes the file. May be called any number of times. */
  dispose(): Promise<void>;
}

const RESERVE_BYTES = 16 * 1024 * 1024;
/** The free space is looked at with so many bytes, not for each small file, and again after as many. */
const LOOK_EVERY_BYTES = 8 * 1024 * 1024;

/** The bytes of a small stream, which must be as many as were announced. Throws SpoolError or the stream's error. */
export async function collect(stream: AsyncIterable<Uint8Array>, expectedLength: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let received = 0;
  for await (const chunk of stream) {
    received += chunk.byteLength;
    if (received > expectedLength) throw new SpoolError('oversize', `more than the ${expectedLength} announced`);
    chunks.push(chunk);
  }
  if (received < expectedLength) {
    throw new SpoolError('truncated', `ended after ${received} of ${expectedLength} bytes`);
  }
  return Buffer.concat(chunks);
}

/**
 * Writes a stream to a temporary file in `dir` (created if missing), with back-pressure, and hashes it. When it fails,
 * no file is left. Throws SpoolError, the signal's reason, or the error of the stream.
 */
export async function spool(
  stream: ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>,
  dir: string,
  options: SpoolOptions,
): Promise<SpooledFile> {
  const { expectedLength = Number.NaN, maxBytes = Number.POSITIVE_INFINITY, transform, count, signal } = options;
  const reserveBytes = options.reserveBytes ?? RESERVE_BYTES;
  signal.throwIfAborted();
  await mkdir(dir, { recursive: true });
  const path = join(dir, `spool-${randomUUID()}`);
  const dispose = () => rm(path, { force: true });
  const hash = createHash('sha256');
  const collectYoung = createMinorGc();
  let received = 0;
  let sizeBytes = 0;
  let lookAt = LOOK_EVERY_BYTES;

  const counter = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      take(chunk).then(() => done(null, chunk), done);
    },
  });
  async function take({ byteLength }: Uint8Array) {
    received += byteLength;
    if (received > maxBytes) throw new SpoolError('oversize', `more than the ${maxBytes} bytes that are allowed`);
    if (received > expectedLength) throw new SpoolError('oversize', `more than the ${expectedLength} announced`);
    count?.(byteLength);
    if (received < lookAt) return;
    lookAt = received + LOOK_EVERY_BYTES;
    await expectRoom(byteLength);
  }
  async function expectRoom(bytes: number) {
    const { blocks, bavail, bsize } = await statfs(dir);
    // Some network file systems do not say how large they are.
    if (blocks > 0 && bavail * bsize < bytes + reserveBytes) throw new SpoolError('full', 'no room on the local disk');
  }
  const hasher = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      sizeBytes += chunk.byteLength;
      collectYoung(chunk.byteLength);
      done(null, hash.update(chunk) && chunk);
    },
  });

  try {
    if (expectedLength >= LOOK_EVERY_BYTES) await expectRoom(expectedLength);
    const file = await open(path, 'wx', 0o600);
    const source = stream instanceof ReadableStream ? Readable.fromWeb(stream) : Readable.from(stream);
    const steps = [source, counter, ...(transform ? [transform] : []), hasher, file.createWriteStream()];
    const written = pipeline(steps, { signal });
    // A pipeline ends only when its source is destroyed, and an async iterable that yields nothing never is.
    await unlessAborted(signal, written);
    if (received < expectedLength) {
      throw new SpoolError('truncated', `ended after ${received} of ${expectedLength} bytes`);
    }
  } catch (error) {
    await dispose();
    signal.throwIfAborted();
    if (isErrno(error, 'ENOSPC', 'EDQUOT')) throw new SpoolError('full', 'no room on the local disk', { cause: error });
    throw error;
  }
  return { path, sizeBytes, sha256: hash.digest('hex'), dispose };
}
