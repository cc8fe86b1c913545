import { type FileHandle, open } from 'node:fs/promises';
import { extname } from 'node:path';
import { fileTypeFromFile } from 'file-type';
import { imageSize } from 'image-size';
import { artifactKindOf, MAX_TEXT_BYTES } from '../core/artifact-kind.ts';
import type { ArtifactKind } from '../core/job.ts';
import { isComplete } from './image-completeness.ts';
import type { MediaFacts } from './media-facts.ts';

/** A file that is cut off, or not what its name says. The job's error is OUTPUT_INVALID. */
export class OutputInvalidError extends Error {
  override readonly name = 'OutputInvalidError';
}

export interface Inspection {
  kind: ArtifactKind;
  /** By the bytes, where they tell; no parameters. */
  contentType: string;
  /** Pixels; always there for kind `image`, for `video` where it says. */
  width?: number;
  height?: number;
  /** Of video and audio, where it is known. */
  durationSeconds?: number;
}

/** Reads what a video or audio file says of itself; null when that cannot be read. */
type ReadMedia = (path: string) => Promise<MediaFacts | null>;

/** Where an image's size stands, generously: a JPEG may carry a thumbnail and a colour profile before it. */
const HEAD_BYTES = 512 * 1024;
const LONG_HEAD_BYTES = 16 * 1024 * 1024;

/** Names that promise a kind of media. What is inside may be another format of that kind; the bytes' type is reported. */
const PROMISED = new Map<string, ArtifactKind>([
  ...names('image', ['png', 'apng', 'jpg', 'jpeg', 'webp', 'gif', 'avif', 'bmp', 'tif', 'tiff']),
  ...names('video', ['mp4', 'webm', 'mkv', 'mov', 'avi']),
  ...names('audio', ['mp3', 'flac', 'wav', 'ogg', 'opus', 'm4a', 'aac']),
]);

function names(kind: ArtifactKind, extensions: string[]): [string, ArtifactKind][] {
  return extensions.map((extension) => [extension, kind]);
}

/** Text has no signature: its type is taken from the name, if the bytes are text. */
const TEXT_TYPES = new Map([
  ['md', 'text/markdown'],
  ['csv', 'text/csv'],
  ['json', 'application/json'],
  ['vtt', 'text/vtt'],
  ['html', 'text/html'],
  ['htm', 'text/html'],
  ['xhtml', 'application/xhtml+xml'],
  ['svg', 'image/svg+xml'],
  ['xml', 'application/xml'],
  ['js', 'text/javascript'],
  ['mjs', 'text/javascript'],
  ['css', 'text/css'],
]);

/**
 * What a whole local file is, by its bytes; of a large one only a few pieces are read. `filename` is what its maker called
 * it (default: the path's own name). `readMedia`: how the facts of video and audio are read; by default they are not.
 * Throws OutputInvalidError when the file is empty, a PNG, JPEG, WebP or GIF that is cut off, or something else than the
 * kind of media that its name promises; and whatever `readMedia` throws.
 */
export async function inspectFile(
  path: string,
  filename = path,
  readMedia: ReadMedia = async () => null,
): Promise<Inspection> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    if (size === 0) throw new OutputInvalidError('the file is empty');
    const extension = extname(filename).slice(1).toLowerCase();
    const found = await inspect(path, file, size, extension, readMedia);
    const promised = PROMISED.get(extension);
    if (promised !== undefined && found.kind !== promised && !isSoundInVideoBox(promised, found)) {
      throw new OutputInvalidError(`the name says ${promised} (.${extension}), the content is ${found.contentType}`);
    }
    return found;
  } finally {
    await file.close();
  }
}

async function inspect(
  path: string,
  file: FileHandle,
  size: number,
  extension: string,
  readMedia: ReadMedia,
): Promise<Inspection> {
  const detected = (await fileTypeFromFile(path))?.mime.split(';', 1)[0];
  if (detected === undefined || detected === 'application/xml') return inspectUnsigned(file, size, extension);
  if (TIMED.test(detected)) return described(detected, await readMedia(path));
  if (!detected.startsWith('image/')) return { kind: artifactKindOf(detected), contentType: detected };
  if (!(await isComplete(file, size, detected))) throw new OutputInvalidError(`the ${detected} is cut off`);
  const dimensions = (await dimensionsOf(file, size, HEAD_BYTES)) ?? (await dimensionsOf(file, size, LONG_HEAD_BYTES));
  if (dimensions !== null) return { kind: 'image', contentType: detected, ...dimensions };
  if (PROMISED.get(extension) === 'image') throw new OutputInvalidError(`the ${detected} does not say its size`);
  // An image format too rare for us to read: still a file that its user may want.
  return { kind: 'file', contentType: detected };
}

const TIMED = /^(?:video|audio)\/|^application\/ogg$/;
/** Boxes for pictures that may as well hold nothing but sound. */
const BOX = /^(?:video|application)\/(?=(?:mp4|webm|matroska|ogg)$)/;

function described(detected: string, facts: MediaFacts | null): Inspection {
  const contentType = facts?.hasAudio && !facts.hasVideo ? detected.replace(BOX, 'audio/') : detected;
  const { width, height, durationSeconds } = facts ?? {};
  return {
    kind: artifactKindOf(contentType),
    contentType,
    ...(width && height ? { width, height } : {}),
    ...(durationSeconds ? { durationSeconds } : {}),
  };
}

async function inspectUnsigned(file: FileHandle, size: number, extension: string): Promise<Inspection> {
  const whole = size <= MAX_TEXT_BYTES;
  const head = await readHead(file, size, whole ? size : 64 * 1024);
  if (!isText(head, whole)) return { kind: 'file', contentType: 'application/octet-stream' };
  const contentType = TEXT_TYPES.get(extension) ?? 'text/plain';
  return { kind: whole ? artifactKindOf(contentType) : 'file', contentType };
}

/** UTF-8 without control characters other than those of text. The end of a sample may cut its last character. */
function isText(bytes: Uint8Array, whole: boolean): boolean {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: !whole });
    return !/[^\P{Cc}\s]/u.test(text);
  } catch {
    return false;
  }
}

async function dimensionsOf(file: FileHandle, size: number, length: number) {
  const head = await readHead(file, size, length);
  try {
    const { width, height } = imageSize(head);
    return width > 0 && height > 0 ? { width, height } : null;
  } catch {
    // It reads nothing but these bytes: whatever it throws says that they do not tell the size.
    return null;
  }
}

async function readHead(file: FileHandle, size: number, length: number): Promise<Uint8Array> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.min(size, length)), 0, Math.min(size, length), 0);
  return buffer.subarray(0, bytesRead);
}

/** Ogg and MP4 hold sound as well as pictures, and their first bytes do not always tell which. */
function isSoundInVideoBox(promised: ArtifactKind, { contentType }: Inspection): boolean {
  const either = ['audio', 'video'].includes(promised);
  return either && /^(?:(?:audio|video)\/|application\/ogg)/.test(contentType);
}
