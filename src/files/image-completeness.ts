import type { FileHandle } from 'node:fs/promises';

/** The last chunk of a PNG, IEND: length 0, its name, its CRC. */
const PNG_END = Buffer.from('0000000049454e44ae426082', 'hex');
const JPEG_END = Buffer.from('ffd9', 'hex');
const GIF_END = Buffer.from('3b', 'hex');

/**
 * Whether an image is complete, judged by the bytes that mark its end: a full disk or a broken connection always cuts
 * off the end. True for types without such a mark.
 */
export async function isComplete(file: FileHandle, sizeBytes: number, contentType: string): Promise<boolean> {
  switch (contentType) {
    case 'image/png':
    case 'image/apng':
      return endsWith(file, sizeBytes, PNG_END);
    case 'image/jpeg':
      return endsWith(file, sizeBytes, JPEG_END);
    case 'image/gif':
      return endsWith(file, sizeBytes, GIF_END);
    case 'image/webp':
      return hasRiffLength(file, sizeBytes);
    default:
      return true;
  }
}

/** Some encoders append zeros, so a few of them are skipped. */
async function endsWith(file: FileHandle, sizeBytes: number, end: Buffer): Promise<boolean> {
  const length = Math.min(sizeBytes, end.length + 64);
  const tail = await readAt(file, sizeBytes - length, length);
  const used = tail.findLastIndex((byte) => byte !== 0) + 1;
  return tail.subarray(0, used).subarray(-end.length).equals(end);
}

/** RIFF has its length minus 8 in bytes 4 to 7, little-endian. A file of odd length may have a padding byte. */
async function hasRiffLength(file: FileHandle, sizeBytes: number): Promise<boolean> {
  const header = await readAt(file, 0, 8);
  return header.length === 8 && sizeBytes >= header.readUInt32LE(4) + 8;
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}
