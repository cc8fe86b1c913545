import type { Sharp } from 'sharp';
import { type Frame, pixelFrame } from '../pictures/frame.ts';

/** Effort 0 is fastest, and a simulated file may be larger than it could be. */
const EFFORT = 0;
/** The longest that sharp lets a frame be shown. */
const MAX_FRAME_DELAY_MS = 65_535;

/** More is an error for Pillow too (twice its MAX_IMAGE_PIXELS), so that a small file does not take all memory. */
const MAX_PIXELS = 178_956_970;
/** What sharp reads and Pillow does as well: no SVG, which is a program, and no PDF. */
const READ_FORMATS: readonly string[] = ['jpeg', 'png', 'webp', 'gif', 'tiff', 'heif'];

/** Sharp is loaded with the first picture, since most simulators never need its 20 MB. */
async function loadSharp() {
  const { default: sharp } = await import('sharp');
  return sharp;
}

/** The picture in a file of any common format, the first of an animation; undefined for a file that holds none. */
export async function decodePicture(bytes: Buffer): Promise<Frame | undefined> {
  const sharp = await loadSharp();
  // ComfyUI ignores colour profiles, so the pixels are those that the file stores.
  const file = sharp(bytes, { ignoreIcc: true, limitInputPixels: MAX_PIXELS });
  try {
    const { format } = await file.metadata();
    if (!READ_FORMATS.includes(format)) return undefined;
    const raw = file.toColourspace('srgb').raw({ depth: 'uchar' });
    const { data, info } = await raw.toBuffer({ resolveWithObject: true });
    return pixelFrame(info.width, info.height, info.channels === 4 ? 4 : 3, data);
  } catch {
    return undefined;
  }
}

/** A frame as a lossy file. @param quality 1 to 100. */
export async function encodeLossy(frame: Frame, format: 'jpeg' | 'webp', quality: number): Promise<Buffer> {
  const picture = await rawPicture([frame]);
  return format === 'jpeg'
    ? picture.jpeg({ quality }).toBuffer()
    : picture.webp({ quality, effort: EFFORT }).toBuffer();
}

export interface AnimationOptions {
  /** How long each frame is shown. */
  delayMs: number;
  /** 1 to 100, or lossless. */
  quality: number | 'lossless';
}

/** Frames of one size as a WebP that repeats for ever, without metadata. A single frame is a still picture. */
export async function encodeAnimatedWebp(frames: readonly Frame[], options: AnimationOptions): Promise<Buffer> {
  const delayMs = Math.min(MAX_FRAME_DELAY_MS, Math.round(options.delayMs));
  const delay = Array<number>(frames.length).fill(delayMs); // Sharp gives a single number to the first frame only.
  // Of a lossless file the quality is how long libwebp looks for a smaller one.
  const compression = options.quality === 'lossless' ? { lossless: true, quality: 1 } : { quality: options.quality };
  const picture = await rawPicture(frames);
  return picture.webp({ loop: 0, delay, effort: EFFORT, ...compression }).toBuffer();
}

/** Frames of one size below each other, as sharp takes the pages of an animation. */
async function rawPicture(frames: readonly Frame[]): Promise<Sharp> {
  const [first] = frames;
  if (!first) throw new RangeError('a picture needs at least one frame');
  const { width, height, channels } = first;
  const sharp = await loadSharp();
  const pixels = await Promise.all(frames.map((frame) => frame.pixels()));
  const raw = { width, height: height * frames.length, pageHeight: height, channels };
  return sharp(pixels.length === 1 ? pixels[0] : Buffer.concat(pixels), { raw, limitInputPixels: false });
}
