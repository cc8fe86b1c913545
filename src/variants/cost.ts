import type { Metadata } from 'sharp';
import { type ImageFormat, type Variant, VariantError } from './variant.ts';

const MIB = 1024 * 1024;

/** Of one picture, or of all frames of an animation together: 8192 x 8192. */
export const MOST_PIXELS = 2 ** 26;
/** The most memory that a process that converts may have. */
export const MEMORY_MIB = 400;
/** What such a process has between two pictures. */
const RESTING_MIB = 100;
/** With so much more between two pictures than at its start it is not used again. */
export const MOST_LEFT_MIB = 32;

/**
 * What a conversion takes: bytes at its peak for each pixel. Measured with sharp 0.35 (libvips 8.18) as the most that a
 * process had (VmHWM), less what it had before, over the 9 megapixels of a detailed picture:
 *
 * | read, made 256 wide | bytes | | written as wide as a PNG | bytes | with alpha |
 * |---------------------|-------|-|--------------------------|-------|------------|
 * | JPEG                | 0.5   | | PNG                      | 1.5   | 1.9        |
 * | JPEG, progressive   | 3.5   | | JPEG                     | 7.2   | 7.3        |
 * | PNG, RGBA, 16 bit   | 1.9, 2.9, 3.6 | | WEBP             | 8.3   | 15.6       |
 * | PNG, interlaced     | 4.4   | | AVIF                     | 34.9  | 44.5       |
 * | WebP, lossless      | 0.3, 4.4 | |                       |       |            |
 * | GIF                 | 6.2   | |                          |       |            |
 * | AVIF                | 20.2  | |                          |       |            |
 *
 * The right half has the reading of a PNG in it, WRITING has not.
 */
const READING: Readonly<Record<string, number>> = { jpeg: 1, png: 3, webp: 5, gif: 7, heif: 21 };
const DEAREST_READING = 21;
/** Progressive JPEG of full colour, and PNG interlaced with 16 bits of four channels, are kept whole. */
const READING_WHOLE = 8;
const WRITING: Readonly<Record<ImageFormat, number>> = { PNG: 1, JPEG: 6, WEBP: 7, AVIF: 33 };
const WRITING_WITH_ALPHA: Readonly<Record<ImageFormat, number>> = { PNG: 1, JPEG: 6, WEBP: 13, AVIF: 42 };

type Picture = Pick<Metadata, 'format' | 'width' | 'height' | 'isProgressive' | 'orientation' | 'hasAlpha'>;

/** Throws VariantError `tooLarge` where converting would take too much, by what the picture's header says. */
export function checkCost(picture: Picture, { format, width }: Variant, frames: number): void {
  const pixels = picture.width * picture.height * frames;
  if (pixels > MOST_PIXELS) {
    throw new VariantError('tooLarge', `it has ${pixels} pixels, at most ${MOST_PIXELS} are converted`);
  }
  const scale = Math.min(1, (width ?? picture.width) / picture.width);
  const writing = (picture.hasAlpha ? WRITING_WITH_ALPHA : WRITING)[format];
  const mib = Math.ceil(RESTING_MIB + (pixels * (readingOf(picture) + scale ** 2 * writing)) / MIB);
  if (mib <= MEMORY_MIB) return;
  const message = `it would take ${mib} MiB of memory, at most ${MEMORY_MIB} are given; less wide it may do`;
  throw new VariantError('tooLarge', message);
}

/** A picture that is turned has all its lines in memory too. */
function readingOf({ format, isProgressive, orientation = 1 }: Picture): number {
  const reading = READING[format] ?? DEAREST_READING;
  return Math.max(reading, isProgressive ? READING_WHOLE : 0) + (orientation > 1 ? 4 : 0);
}
