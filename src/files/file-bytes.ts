import type { FileHandle } from 'node:fs/promises';

/** A file of which pieces are read: on the disk, or in memory. */
export interface FileBytes {
  sizeBytes: number;
  /** Fewer where the file ends before. */
  read(position: number, length: number): Promise<Buffer>;
}

export async function bytesOfFile(file: FileHandle): Promise<FileBytes> {
  const { size } = await file.stat();
  return {
    sizeBytes: size,
    async read(position, length) {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
      return buffer.subarray(0, bytesRead);
    },
  };
}

export function bytesInMemory(bytes: Buffer): FileBytes {
  return {
    sizeBytes: bytes.length,
    read: async (position, length) => bytes.subarray(position, position + length),
  };
}
