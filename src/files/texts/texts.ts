import type { FileHandle } from 'node:fs/promises';

/** What stands in a file by name: texts, or what a JSON header has under that name. */
export type Texts = { [name: string]: unknown };

/**
 * The most bytes of one file's texts, after decompression. What ComfyUI's editor saves has a megabyte at most, and the
 * largest headers of model files have some.
 */
export const MOST_TEXT_BYTES = 16 * 1024 * 1024;

/** Why the texts of a file cannot be read; the message is for the person who has the file. */
export class UnreadableTextsError extends Error {
  override readonly name = 'UnreadableTextsError';
}

export function tooLarge(what: string): UnreadableTextsError {
  return new UnreadableTextsError(`${what} would take more than ${MOST_TEXT_BYTES / 1024 / 1024} MiB`);
}

/** The bytes from `at` on; fewer where the file ends before. Bounded by the caller. */
export async function readAt(file: FileHandle, at: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, at);
  return buffer.subarray(0, bytesRead);
}

/** Text of bytes that should be Latin-1 by their format, and often are UTF-8. */
export function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return Buffer.from(bytes).toString('latin1');
  }
}
