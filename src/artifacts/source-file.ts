import { open } from 'node:fs/promises';
import { createMinorGc } from '../files/minor-gc.ts';
import { type BytesToStore, type FileToStore, StorageError } from './artifact-store.ts';

const CHUNK_BYTES = 256 * 1024;

/** The bytes of what is to be stored, as `readExactly` gives those of a file. */
export async function* contentOf(source: FileToStore | BytesToStore): AsyncGenerator<Buffer> {
  if ('bytes' in source) yield source.bytes;
  else yield* readExactly(source.path, source.sizeBytes);
}

/**
 * Reads a local file of which the size is known, one chunk in memory at a time. Throws StorageError `source` when it is
 * gone, or shorter or longer than `sizeBytes`, so that nobody waits for bytes that never come.
 */
export async function* readExactly(path: string, sizeBytes: number): AsyncGenerator<Buffer<ArrayBuffer>> {
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw new StorageError('source', 'the file to store cannot be opened', { cause });
  });
  try {
    await expectSize(file, sizeBytes);
    const collectYoung = createMinorGc();
    let position = 0;
    while (position < sizeBytes) {
      const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, sizeBytes - position));
      const { bytesRead } = await file.read(chunk, 0, chunk.length, position).catch((cause: unknown) => {
        throw new StorageError('source', 'the file to store cannot be read', { cause });
      });
      if (bytesRead === 0)
        throw new StorageError('source', `the file to store ended at ${position} of ${sizeBytes} bytes`);
      position += bytesRead;
      collectYoung(bytesRead);
      yield chunk.subarray(0, bytesRead);
    }
    // Grown meanwhile: whoever writes it is not done, so what was sent is not the whole of it.
    await expectSize(file, sizeBytes);
  } finally {
    await file.close();
  }
}

async function expectSize(file: Awaited<ReturnType<typeof open>>, sizeBytes: number): Promise<void> {
  const { size } = await file.stat();
  if (size !== sizeBytes)
    throw new StorageError('source', `the file to store has ${size} bytes instead of ${sizeBytes}`);
}
