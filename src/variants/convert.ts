import type { Sharp, SharpOptions } from 'sharp';
import { type Variant, VariantError } from './variant.ts';

/** Of one picture, or of all frames of an animation together: 8192 x 8192. */
const MOST_PIXELS = 2 ** 26;
const TIMEOUT_SECONDS = 20;
/** More makes AVIF a little smaller and several times slower. */
const AVIF_EFFORT = 2;

/** What sharp may read, by libvips' names of its readers: nothing that is a document, a script, or rarely tried. */
const READERS = ['Jpeg', 'Png', 'Webp', 'Nsgif', 'Heif'].map((name) => `VipsForeignLoad${name}File`);

/** The bytes of a variant of a local picture. What is read throws VariantError `unreadable`. */
export type Convert = (path: string, variant: Variant) => AsyncIterable<Uint8Array>;

/** sharp is loaded with the first picture: a process that makes none is without its 20 MB. */
export function createConverter(): Convert {
  let loading: ReturnType<typeof loadSharp> | undefined;
  return async function* (path, variant) {
    loading ??= loadSharp();
    const sharp = await loading;
    try {
      const { width, height, pages = 1 } = await sharp(path, options).metadata();
      // Of the four only WEBP is written with frames. Elsewhere, and of a picture that is too large, the first stands
      // for all.
      const animated = variant.format === 'WEBP' && pages > 1 && width * height * pages <= MOST_PIXELS;
      yield* encoded(sharp(path, { ...options, animated }), variant);
    } catch (cause) {
      throw new VariantError('unreadable', 'the picture cannot be converted', { cause });
    }
  };
}

const options: SharpOptions = {
  limitInputPixels: MOST_PIXELS,
  failOn: 'error',
  sequentialRead: true,
  // Results have no metadata that could say so.
  autoOrient: true,
};

/** Sets it up for the whole process: one core for a picture, nothing kept, few formats. */
async function loadSharp() {
  const { default: sharp } = await import('sharp');
  sharp.cache(false);
  sharp.concurrency(1);
  sharp.block({ operation: ['VipsForeignLoad'] });
  sharp.unblock({ operation: READERS });
  return sharp;
}

/** Without metadata and in sRGB, which is what sharp writes unless it is told otherwise. */
function encoded(image: Sharp, { format, width, quality }: Variant): Sharp {
  const sized = width === null ? image : image.resize({ width, withoutEnlargement: true });
  sized.timeout({ seconds: TIMEOUT_SECONDS });
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
