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
