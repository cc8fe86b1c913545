import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import sharp, { type Sharp, type SharpOptions } from 'sharp';
import { checkCost, MOST_PIXELS } from './cost.ts';
import { MOST_BYTES, type Variant, VariantError } from './variant.ts';

/** More makes AVIF a little smaller and several times slower. */
const AVIF_EFFORT = 2;

/** What sharp may read, by libvips' names of its readers: nothing that is a document, a script, or rarely tried. */
const READERS = ['Jpeg', 'Png', 'Webp', 'Nsgif', 'Heif'].map((name) => `VipsForeignLoad${name}File`);

const options: SharpOptions = {
  limitInputPixels: MOST_PIXELS,
  failOn: 'error',
  sequentialRead: true,
  // Results have no metadata that could say so.
  autoOrient: true,
};

/** A local picture, and what is to be made of it where. */
export interface Conversion {
  path: string;
  target: string;
  variant: Variant;
}

export interface Converted {
  sizeBytes: number;
  /** In lower-case hexadecimal. */
  sha256: string;
}

/** Sets sharp up for the whole process: one core for a picture, nothing kept, few formats. */
export function setUpSharp(): void {
  sharp.cache(false);
  sharp.concurrency(1);
  sharp.block({ operation: ['VipsForeignLoad'] });
  sharp.unblock({ operation: READERS });
}

/** Converts a picture in this process. Throws VariantError `unreadable` or `tooLarge`. */
export async function convert({ path, target, variant }: Conversion): Promise<Converted> {
  const bytes = await readable(async () => {
    const picture = await sharp(path, { ...options, limitInputPixels: false }).metadata();
    const { width, height, pages = 1 } = picture;
    // Of the four only WEBP is written with frames. Elsewhere, and of a picture that is too large, the first stands
    // for all.
    const animated = variant.format === 'WEBP' && pages > 1 && width * height * pages <= MOST_PIXELS;
    checkCost(picture, variant, animated ? pages : 1);
    return encoded(sharp(path, { ...options, animated }), variant).toBuffer();
  });
  if (bytes.length > MOST_BYTES) throw new VariantError('tooLarge', `it would have more than ${MOST_BYTES} bytes`);
  await writeFile(target, bytes);
  return { sizeBytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
}

async function readable<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof VariantError) throw cause;
    throw new VariantError('unreadable', cause instanceof Error ? cause.message : 'unknown', { cause });
  }
}

/** Without metadata and in sRGB, which is what sharp writes unless it is told otherwise. */
function encoded(image: Sharp, { format, width, quality }: Variant): Sharp {
  const sized = width === null ? image : image.resize({ width, withoutEnlargement: true });
  const chosen = quality === null ? {} : { quality };
  switch (format) {
    case 'WEBP':
      return sized.webp(chosen);
    case 'JPEG':
      // It knows no transparency.
      return sized.flatten({ background: 'white' }).jpeg(chosen);
    case 'PNG':
      return sized.png();
    case 'AVIF':
      return sized.avif({ ...chosen, effort: AVIF_EFFORT });
  }
}
