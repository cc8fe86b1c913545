import { open } from 'node:fs/promises';
import { extname } from 'node:path';
import { fileTypeFromBuffer, fileTypeFromFile } from 'file-type';
import { imageSize } from 'image-size';
import { artifactKindOf, MAX_TEXT_BYTES } from '../core/artifact-kind.ts';
import type { ArtifactKind } from '../core/job.ts';
import { bytesInMemory, bytesOfFile, type FileBytes } from './file-bytes.ts';
import { isComplete } from './image-completeness.ts';
import type { MediaFacts } from './media-facts.ts';

/** A file is cut off, or has another type than its name says. The job's error is OUTPUT_INVALID. */
export class OutputInvalidError extends Error {
  override readonly name = 'OutputInvalidError';
  /** Its end is missing: made again, it may be whole. What is of another type would be so again. */
  readonly isCutOff: boolean;

  constructor(message: string, { isCutOff = false } = {}) {
    super(message);
    this.isCutOff = isCutOff;
  }
}

export interface Inspection {
  kind: ArtifactKind;
  /** The type that the bytes show, otherwise that of the name; without parameters. */
  contentType: string;
  /** In pixels. Always set for kind `image`, and for `video` where the file has it. */
  width?: number;
  height?: number;
  /** Of video and audio, where the file has it. */
  durationSeconds?: number;
}

/** Reads the facts of a video or audio file; null when they cannot be read. */
type ReadMedia = (path: string) => Promise<MediaFacts | null>;

/** The size of an image is within these first bytes: a JPEG may have a thumbnail and a colour profile before it. */
const HEAD_BYTES = 512 * 1024;
const LONG_HEAD_BYTES = 16 * 1024 * 1024;

/** File extensions and the kind of media that they promise. The file may have another format of the same kind. */
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
 * Inspects a local file by its bytes; of a large file only a few pieces are read. `filename` is the name that its maker
 * gave it (default: that of the path). `readMedia` reads the facts of video and audio; by default they are not read.
 * Throws OutputInvalidError when the file is empty, is a PNG, JPEG, WebP or GIF that is cut off, or is not of the kind
 * of media that its name promises; also throws what `readMedia` throws.
 */
export async function inspectFile(
  path: string,
  filename = path,
  readMedia: ReadMedia = async () => null,
): Promise<Inspection> {
  const file = await open(path, 'r');
  try {
    const bytes = await bytesOfFile(file);
    return await inspect(
      bytes,
      filename,
      () => fileTypeFromFile(path),
      () => readMedia(path),
    );
  } finally {
    await file.close();
  }
}

/** Whether its name says that a file is a picture. */
export function isPictureName(filename: string): boolean {
  return PROMISED.get(extensionOf(filename)) === 'image';
}

/** The same of a file in memory. The facts of video and audio are not read. */
export async function inspectBytes(bytes: Buffer, filename: string): Promise<Inspection> {
  return await inspect(
    bytesInMemory(bytes),
    filename,
    () => fileTypeFromBuffer(bytes),
    async () => null,
  );
}

const extensionOf = (filename: string) => extname(filename).slice(1).toLowerCase();

async function inspect(
  file: FileBytes,
  filename: string,
  detectType: () => Promise<{ mime: string } | undefined>,
  readMedia: () => Promise<MediaFacts | null>,
): Promise<Inspection> {
  if (file.sizeBytes === 0) throw new OutputInvalidError('the file is empty', { isCutOff: true });
  const extension = extensionOf(filename);
  const found = await findFacts(file, extension, (await detectType())?.mime, readMedia);
  const promised = PROMISED.get(extension);
  if (promised !== undefined && found.kind !== promised && !isSoundInVideoBox(promised, found)) {
    throw new OutputInvalidError(`the name says ${promised} (.${extension}), the content is ${found.contentType}`);
  }
  return found;
}

async function findFacts(
  file: FileBytes,
  extension: string,
  mime: string | undefined,
  readMedia: () => Promise<MediaFacts | null>,
): Promise<Inspection> {
  const detected = mime?.split(';', 1)[0];
  if (detected === undefined || detected === 'application/xml') return inspectUnsigned(file, extension);
  if (TIMED.test(detected)) return described(detected, await readMedia());
  if (!detected.startsWith('image/')) return { kind: artifactKindOf(detected), contentType: detected };
  if (!(await isComplete(file, detected))) {
    throw new OutputInvalidError(`the ${detected} is cut off`, { isCutOff: true });
  }
  const dimensions = (await dimensionsOf(file, HEAD_BYTES)) ?? (await dimensionsOf(file, LONG_HEAD_BYTES));
  if (dimensions !== null) return { kind: 'image', contentType: detected, ...dimensions };
  if (PROMISED.get(extension) === 'image') throw new OutputInvalidError(`the ${detected} does not say its size`);
  // The size of some rare image formats cannot be read here; they are delivered as plain files.
  return { kind: 'file', contentType: detected };
}

const TIMED = /^(?:video|audio)\/|^application\/ogg$/;
/** Container types for video that may also hold only sound. */
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

async function inspectUnsigned(file: FileBytes, extension: string): Promise<Inspection> {
  const whole = file.sizeBytes <= MAX_TEXT_BYTES;
  const head = await readHead(file, whole ? file.sizeBytes : 64 * 1024);
  if (!isText(head, whole)) return { kind: 'file', contentType: 'application/octet-stream' };
  const contentType = TEXT_TYPES.get(extension) ?? 'text/plain';
  return { kind: whole ? artifactKindOf(contentType) : 'file', contentType };
}

/** Whether bytes are UTF-8 without control characters, except those of text. A sample may end within a character. */
function isText(bytes: Uint8Array, whole: boolean): boolean {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: !whole });
    return !/[^\P{Cc}\s]/u.test(text);
  } catch {
    return false;
  }
}

async function dimensionsOf(file: FileBytes, length: number) {
  const head = await readHead(file, length);
  try {
    const { width, height } = imageSize(head);
    return width > 0 && height > 0 ? { width, height } : null;
  } catch {
    // The parser only reads these bytes, so any error means that the size is not in them.
    return null;
  }
}

function readHead(file: FileBytes, length: number): Promise<Uint8Array> {
  return file.read(0, Math.min(file.sizeBytes, length));
}

/** Ogg and MP4 may hold sound or video, and their first bytes do not always tell which. */
function isSoundInVideoBox(promised: ArtifactKind, { contentType }: Inspection): boolean {
  const either = ['audio', 'video'].includes(promised);
  return either && /^(?:(?:audio|video)\/|application\/ogg)/.test(contentType);
}
