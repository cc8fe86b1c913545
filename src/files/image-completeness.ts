import type { FileBytes } from './file-bytes.ts';

/** The last chunk of a PNG, IEND: length 0, its name, its CRC. */
const PNG_END = Buffer.from('0000000049454e44ae426082', 'hex');
const JPEG_END = Buffer.from('ffd9', 'hex');
const GIF_END = Buffer.from('3b', 'hex');

/**
 * Whether an image is complete, judged by the bytes that mark its end: a full disk or a broken connection always cuts
 * off the end. True for types without such a mark.
 */
export async function isComplete(file: FileBytes, contentType: string): Promise<boolean> {
  switch (contentType) {
    case 'image/png':
    case 'image/apng':
      return endsWith(file, PNG_END);
    case 'image/jpeg':
      return endsWith(file, JPEG_END);
    case 'image/gif':
      return endsWith(file, GIF_END);
    case 'image/webp':
      return hasRiffLength(file);
    default:
      return true;
  }
}

/** Some encoders append zeros, so a few of them are skipped. */
async function endsWith(file: FileBytes, end: Buffer): Promise<boolean> {
  const length = Math.min(file.sizeBytes, end.length + 64);
  const tail = await file.read(file.sizeBytes - length, length);
  const used = tail.findLastIndex((byte) => byte !== 0) + 1;
  return tail.subarray(0, used).subarray(-end.length).equals(end);
}

/** RIFF has its length minus 8 in bytes 4 to 7, little-endian. A file of odd length may have a padding byte. */
async function hasRiffLength(file: FileBytes): Promise<boolean> {
  const header = await file.read(0, 8);
  return header.length === 8 && file.sizeBytes >= header.readUInt32LE(4) + 8;
}
