import type { FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { type ByteRange, StorageError } from '../artifact-store.ts';

export interface FileBodyOptions {
  /** Within the file. */
  range: ByteRange;
  signal: AbortSignal;
  /** What the reader is to learn of a failure of the disk. */
  explain: (cause: unknown) => Error;
}

const CHUNK_BYTES = 64 * 1024;

/**
 * The bytes of an open file, which is closed when they have been read or are no longer wanted. Fails with the
 * signal's reason when it aborts, and where the file ends before its range does.
 */
export function fileBody(file: FileHandle, { range, signal, explain }: FileBodyOptions): Readable {
  let position = range.start;

  async function next(): Promise<Buffer | null> {
    const left = range.end + 1 - position;
    if (left <= 0) return null;
    const chunk = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, left));
    const { bytesRead } = await file.read(chunk, 0, chunk.length, position);
    if (bytesRead === 0) throw new StorageError('unavailable', `the object ended at ${position} bytes`);
    position += bytesRead;
    return chunk.subarray(0, bytesRead);
  }

  const body = new Readable({
    highWaterMark: CHUNK_BYTES,
    read() {
      next().then(
        (chunk) => this.push(chunk),
        (error: unknown) => this.destroy(explain(error)),
      );
    },
    destroy(error, done) {
      signal.removeEventListener('abort', giveUp);
      file.close().then(
        () => done(error),
        (failure: unknown) => done(error ?? explain(failure)),
      );
    },
  });
  function giveUp(): void {
    body.destroy(signal.reason);
  }
  // Whoever reads it still learns of a failure; one that nobody has begun to read must not end the process.
  body.on('error', () => undefined);
  signal.addEventListener('abort', giveUp, { once: true });
  if (signal.aborted) giveUp();
  return body;
}
