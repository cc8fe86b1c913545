import { crc32 } from 'node:zlib';
import sharp from 'sharp';

/** Types of a PNG's chunks in their order; empty for any other file. */
export function pngChunks(file: Buffer): string[] {
  const types: string[] = [];
  if (file.toString('hex', 0, 8) !== '89504e470d0a1a0a') return types;
  for (let at = 8; at < file.length; at += file.readUInt32BE(at) + 12)
    types.push(file.toString('latin1', at + 4, at + 8));
  return types;
}

/** Its size, its channels, and each of its pixels. */
export async function pixelsOf(picture: Buffer) {
  const { data, info } = await sharp(picture).raw().toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  return { width, height, channels, data };
}

/** A chunk of a PNG. */
export function pngChunk(type: string, data: Uint8Array): Buffer {
  const out = Buffer.alloc(data.length + 12);
  out.writeUInt32BE(data.length, 0);
  out.write(type, 4, 'latin1');
  out.set(data, 8);
  out.writeUInt32BE(crc32(out.subarray(4, 8 + data.length)), 8 + data.length);
  return out;
}
