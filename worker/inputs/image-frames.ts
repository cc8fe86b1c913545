import type { FileHandle } from 'node:fs/promises';

/**
 * How many pictures an image file holds, by the parts that it says it is made of; null when these do not fill it from
 * its first byte to its last, so that something else stands in it or behind it, or when there are absurdly many.
 */
export async function countFrames(file: FileHandle, sizeBytes: number, contentType: string): Promise<number | null> {
  const bytes = reader(file, sizeBytes);
  switch (contentType) {
    case 'image/png':
    case 'image/apng':
      return framesOfPng(bytes);
    case 'image/jpeg':
      return framesOfJpeg(bytes);
    case 'image/gif':
      return framesOfGif(bytes);
    case 'image/webp':
      return framesOfWebp(bytes);
    case 'image/tiff':
      return framesOfTiff(bytes);
    case 'image/avif':
      // The brand of a moving one.
      return (await bytes.at(8, 4)).toString('latin1') === 'avis' ? null : 1;
    default:
      return 1;
  }
}

/** Parts of one file that are looked at. */
const MOST_PARTS = 1_000_000;
const WINDOW_BYTES = 64 * 1024;

interface Reader {
  size: number;
  /** These bytes, fewer at the end of the file. */
  at(position: number, length: number): Promise<Buffer>;
}

/** Reads ahead, since parts may be small and many. */
function reader(file: FileHandle, size: number): Reader {
  let window = Buffer.alloc(0);
  let start = 0;
  return {
    size,
    async at(position, length) {
      if (position < start || position + length > start + window.length) {
        const { buffer, bytesRead } = await file.read(Buffer.alloc(WINDOW_BYTES), 0, WINDOW_BYTES, position);
        window = buffer.subarray(0, bytesRead);
        start = position;
      }
      return window.subarray(position - start, position - start + length);
    },
  };
}

/** Some encoders pad with zeros; a handful is looked past. */
async function isEnd({ size, at }: Reader, position: number): Promise<boolean> {
  if (position > size || size - position > 64) return false;
  return (await at(position, size - position)).every((byte) => byte === 0);
}

/** Chunks of length, name, data and CRC behind eight bytes of signature. An animated one says its number of frames. */
async function framesOfPng(bytes: Reader): Promise<number | null> {
  let position = 8;
  let frames = 1;
  for (let parts = 0; parts < MOST_PARTS; parts++) {
    const head = await bytes.at(position, 12);
    if (head.length < 12) return null;
    const name = head.toString('latin1', 4, 8);
    if (!/^[A-Za-z]{4}$/.test(name)) return null;
    if (name === 'acTL') frames = Math.max(1, head.readUInt32BE(8));
    position += 12 + head.readUInt32BE(0);
    if (name === 'IEND') return (await isEnd(bytes, position)) ? frames : null;
  }
  return null;
}

/**
 * Segments, each a marker and a length; behind that of a scan comes its data. Photos of phones have further JPEGs
 * behind the first, which is the one that is read.
 */
async function framesOfJpeg(bytes: Reader): Promise<number | null> {
  let position = 0;
  for (let parts = 0; parts < MOST_PARTS; parts++) {
    const head = await bytes.at(position, 4);
    const [first, marker = 0] = head;
    if (first !== 0xff) return null;
    if (marker === JPEG.fill) position += 1;
    else if (marker === JPEG.start) position += 2;
    else if (marker === JPEG.end) {
      position += 2;
      if (await isEnd(bytes, position)) return 1;
      const [, next] = await bytes.at(position, 2);
      if (next !== JPEG.start) return null;
    } else {
      if (head.length < 4) return null;
      position += 2 + head.readUInt16BE(2);
      if (marker === JPEG.scan) position = await endOfScan(bytes, position);
    }
  }
  return null;
}

const JPEG = { start: 0xd8, end: 0xd9, scan: 0xda, fill: 0xff } as const;

/** Where the next marker is, or the end of the file. In the data of a scan 0xff stands before zero, and restarts it. */
async function endOfScan({ at }: Reader, start: number): Promise<number> {
  const isData = (next = 0) => next === 0 || (next >= 0xd0 && next <= 0xd7);
  for (let position = start; ; ) {
    const window = await at(position, WINDOW_BYTES);
    let found = window.indexOf(0xff);
    while (found >= 0 && found + 1 < window.length && isData(window[found + 1])) {
      found = window.indexOf(0xff, found + 2);
    }
    if (window.length < 2 || (found >= 0 && found + 1 < window.length)) return position + Math.max(found, 0);
    position += found > 0 ? found : window.length;
  }
}

/** Blocks by their first byte: `,` a picture, `!` an extension, `;` the end. */
async function framesOfGif(bytes: Reader): Promise<number | null> {
  const tableBytes = (flags: number) => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0);
  let position = 13 + tableBytes((await bytes.at(10, 1))[0] ?? 0);
  let frames = 0;
  for (let parts = 0; parts < MOST_PARTS; ) {
    const head = await bytes.at(position, 10);
    if (head[0] === 0x3b) return frames > 0 && (await isEnd(bytes, position + 1)) ? frames : null;
    if (head[0] === 0x2c) {
      frames++;
      position += 11 + tableBytes(head[9] ?? 0);
    } else if (head[0] === 0x21) position += 2;
    else return null;
    for (; parts < MOST_PARTS; parts++) {
      const length = (await bytes.at(position, 1))[0];
      if (length === undefined) return null;
      position += 1 + length;
      if (length === 0) break;
    }
  }
  return null;
}

/** RIFF: chunks of name, length and data padded to an even length; the whole says its length, too. */
async function framesOfWebp(bytes: Reader): Promise<number | null> {
  const end = 8 + (await bytes.at(4, 4)).readUInt32LE(0);
  if (!(await isEnd(bytes, end))) return null;
  let frames = 0;
  let position = 12;
  for (let parts = 0; parts < MOST_PARTS && position < end; parts++) {
    const head = await bytes.at(position, 8);
    if (head.length < 8) return null;
    const length = head.readUInt32LE(4);
    if (head.toString('latin1', 0, 4) === 'ANMF') frames++;
    position += 8 + length + (length & 1);
  }
  return position === end || position === end + 1 ? Math.max(1, frames) : null;
}

/** A chain of directories, one for each page. The big form, with 64-bit places, is none that ComfyUI's users have. */
async function framesOfTiff(bytes: Reader): Promise<number | null> {
  const head = await bytes.at(0, 8);
  const little = head.toString('latin1', 0, 2) === 'II';
  const short = (buffer: Buffer, at: number) => (little ? buffer.readUInt16LE(at) : buffer.readUInt16BE(at));
  const long = (buffer: Buffer, at: number) => (little ? buffer.readUInt32LE(at) : buffer.readUInt32BE(at));
  if (head.length < 8 || short(head, 2) !== 42) return null;
  let frames = 0;
  for (let position = long(head, 4); position !== 0; frames++) {
    const count = await bytes.at(position, 2);
    if (count.length < 2 || frames > 10_000) return null;
    const next = await bytes.at(position + 2 + short(count, 0) * 12, 4);
    if (next.length < 4) return null;
    position = long(next, 0);
  }
  return frames > 0 ? frames : null;
}
