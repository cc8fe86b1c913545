import { open } from 'node:fs/promises';
import { fileTypeFromFile } from 'file-type';
import type { FileKind } from '../../src/core/file-source.ts';
import { inspectFile, OutputInvalidError } from '../../src/files/inspect.ts';
import { countFrames } from './image-frames.ts';
import { InputFault } from './input-fault.ts';

/** What ComfyUI's loaders read, by the bytes, and the ending under which they know it. */
const IMAGES = new Map([
  ['image/png', 'png'],
  ['image/apng', 'png'],
  ['image/jpeg', 'jpg'],
  ['image/webp', 'webp'],
  ['image/gif', 'gif'],
  ['image/bmp', 'bmp'],
  ['image/tiff', 'tiff'],
  ['image/avif', 'avif'],
]);

/** A picture of a few kilobytes may unpack to gigabytes: bounds of the side, and of all pixels of all its frames. */
const MAX_SIDE = 16_384;
const MAX_PIXELS = 64_000_000;

export type InputFamily = 'image' | 'audio' | 'video';

export interface InspectedInput {
  family: InputFamily;
  /** Without a dot. */
  extension: string;
}

/**
 * What an input file is, by its bytes. Throws InputFault when it is no picture, sound or film, or one that unpacks to
 * too much.
 */
export async function inspectInput(path: string): Promise<InspectedInput> {
  const found = await fileTypeFromFile(path);
  const type = found?.mime.split(';', 1)[0] ?? '';
  if (found && /^(?:audio|video)\/|^application\/ogg$/.test(type)) {
    return { family: type.startsWith('audio/') ? 'audio' : 'video', extension: found.ext };
  }
  const extension = IMAGES.get(type);
  if (extension === undefined) throw new InputFault('An input file is no picture, sound or film that ComfyUI reads');
  await checkImage(path, type);
  return { family: 'image', extension };
}

async function checkImage(path: string, type: string): Promise<void> {
  const frames = await framesOf(path, type);
  const { width = 0, height = 0 } = await inspectFile(path, '').catch((cause: unknown) => {
    if (cause instanceof OutputInvalidError)
      throw new InputFault('An input picture is cut off, or more than a picture', { cause });
    throw cause;
  });
  if (width === 0 || height === 0) throw new InputFault('An input picture does not say its size');
  if (Math.max(width, height) > MAX_SIDE || width * height * frames > MAX_PIXELS) {
    const bounds = `at most ${MAX_SIDE} pixels a side, and ${MAX_PIXELS / 1e6} megapixels in all frames together`;
    throw new InputFault(`An input picture is too large: ${bounds}`);
  }
}

async function framesOf(path: string, type: string): Promise<number> {
  const file = await open(path, 'r');
  try {
    const frames = await countFrames(file, (await file.stat()).size, type);
    if (frames === null) throw new InputFault('An input picture is cut off, or more than a picture');
    return frames;
  } finally {
    await file.close();
  }
}

const EXPECTED: Record<FileKind, string> = {
  image: 'a picture (PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF)',
  mask: 'a picture (PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF)',
  audio: 'sound',
  video: 'a film',
};

/**
 * Throws InputFault where a file is of another kind than its place takes. Boxes for films may hold nothing but sound.
 */
export function checkKind({ family }: InspectedInput, kind: FileKind | null): void {
  if (kind === null || family === kind) return;
  if (kind === 'mask' && family === 'image') return;
  if (kind === 'audio' && family === 'video') return;
  const got = { image: 'a picture', audio: 'sound', video: 'a film' }[family];
  throw new InputFault(`An input file is expected to be ${EXPECTED[kind]}, and is ${got}`);
}
