import { promisify } from 'node:util';
import { constants, crc32, createDeflate, deflate, type ZlibOptions } from 'node:zlib';
import { type Frame, yieldToEventLoop } from '../pictures/frame.ts';

const deflateAsync = promisify<Uint8Array, ZlibOptions, Buffer>(deflate);
const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
const colourType = { 1: 0, 3: 2, 4: 6 } as const;
/** Pictures of one colour above this are packed piece by piece, never whole in memory. Bytes. */
const wholeBelow = 4 * 1024 * 1024;

/** Output buffer of a packer: large, for every full one is a turn of the event loop. */
const packChunkBytes = 256 * 1024;

/** A text chunk: keyword and text. */
export type PngText = readonly [keyword: string, text: string];

/**
 * A frame as PNG. Deflate runs in the thread pool.
 *
 * Sharp writes neither text chunks nor animations. As fast as this, its files are twice as large, and a huge picture of
 * one colour takes it several times as long.
 */
export async function encodePng(frame: Frame, texts: readonly PngText[] = []): Promise<Buffer> {
  const packed = await packFrame(frame);
  return Buffer.concat([signature, header(frame), ...texts.map(textChunk), pngChunk('IDAT', packed), pngChunk('IEND')]);
}

/** Frames of one size as an animated PNG. @param delayMs how long each is shown. */
export async function encodeApng(
  frames: readonly Frame[],
  delayMs: number,
  texts: readonly PngText[],
): Promise<Buffer> {
  const [first] = frames;
  if (!first) throw new RangeError('an animation needs at least one frame');
  const control = Buffer.alloc(8);
  control.writeUInt32BE(frames.length, 0);
  const parts = [signature, header(first), ...texts.map(textChunk), pngChunk('acTL', control)];
  let sequence = 0;
  for (const [index, frame] of frames.entries()) {
    const about = Buffer.alloc(26);
    about.writeUInt32BE(sequence++, 0);
    about.writeUInt32BE(frame.width, 4);
    about.writeUInt32BE(frame.height, 8);
    about.writeUInt16BE(Math.min(65_535, Math.round(delayMs)), 20);
    about.writeUInt16BE(1000, 22);
    parts.push(pngChunk('fcTL', about));
    const packed = await packFrame(frame);
    if (index === 0) {
      parts.push(pngChunk('IDAT', packed));
    } else {
      const numbered = Buffer.alloc(4);
      numbered.writeUInt32BE(sequence++, 0);
      parts.push(pngChunk('fdAT', Buffer.concat([numbered, packed])));
    }
  }
  return Buffer.concat([...parts, pngChunk('IEND')]);
}

function header(frame: Frame): Buffer {
  const data = Buffer.alloc(13);
  data.writeUInt32BE(frame.width, 0);
  data.writeUInt32BE(frame.height, 4);
  data[8] = 8;
  data[9] = colourType[frame.channels];
  return pngChunk('IHDR', data);
}

/** A chunk of a PNG: its length, type, data and checksum. */
export function pngChunk(type: string, data: Uint8Array = Buffer.alloc(0)): Buffer {
  const out = Buffer.alloc(data.length + 12);
  out.writeUInt32BE(data.length, 0);
  out.write(type, 4, 'latin1');
  out.set(data, 8);
  out.writeUInt32BE(crc32(out.subarray(4, 8 + data.length)), 8 + data.length);
  return out;
}

/** `tEXt` where Latin-1 can say it, else `iTXt`, as Pillow does. */
function textChunk([keyword, text]: PngText): Buffer {
  const key = Buffer.from(`${keyword}\0`, 'latin1');
  if (/^[\0-\u00ff]*$/.test(text)) return pngChunk('tEXt', Buffer.concat([key, Buffer.from(text, 'latin1')]));
  return pngChunk('iTXt', Buffer.concat([key, Buffer.from([0, 0, 0, 0]), Buffer.from(text, 'utf8')]));
}

/** Text chunks of a PNG, `tEXt` and uncompressed `iTXt`. */
export function pngTexts(bytes: Buffer): PngText[] {
  const texts: PngText[] = [];
  for (let at = signature.length; at + 12 <= bytes.length; at += bytes.readUInt32BE(at) + 12) {
    const type = bytes.toString('latin1', at + 4, at + 8);
    const data = bytes.subarray(at + 8, at + 8 + bytes.readUInt32BE(at));
    const end = data.indexOf(0);
    if (end < 0) continue;
    if (type === 'tEXt') texts.push([data.toString('latin1', 0, end), data.toString('latin1', end + 1)]);
    if (type === 'iTXt') texts.push([data.toString('latin1', 0, end), data.toString('utf8', end + 5)]);
  }
  return texts;
}

async function packFrame(frame: Frame): Promise<Buffer> {
  const stride = frame.width * frame.channels;
  if (frame.solid && stride * frame.height > wholeBelow) return packSolid(frame, frame.solid);
  const rows = filtered(await frame.pixels(), stride, frame.height, frame.channels);
  await yieldToEventLoop();
  return deflateAsync(rows, {
    level: 1,
    strategy: constants.Z_RLE,
    chunkSize: Math.min(packChunkBytes, Math.max(1024, rows.length)),
  });
}

/** Rows with filter "sub" in the first and "up" in the others: cheap, and good for smooth pictures. */
function filtered(pixels: Uint8Array, stride: number, height: number, channels: number): Uint8Array {
  const out = new Uint8Array((stride + 1) * height);
  for (let y = 0; y < height; y++) {
    const to = y * (stride + 1);
    const from = y * stride;
    out[to] = y === 0 ? 1 : 2;
    const back = y === 0 ? channels : stride;
    for (let i = 0; i < stride; i++) {
      const before = y === 0 && i < channels ? 0 : (pixels[from + i - back] ?? 0);
      out[to + 1 + i] = (pixels[from + i] ?? 0) - before;
    }
  }
  return out;
}

/** A huge picture of one colour: after the first row every filtered byte is 0. */
async function packSolid(frame: Frame, colour: readonly number[]): Promise<Buffer> {
  const stride = frame.width * frame.channels;
  const packer = createDeflate({ level: 1 });
  const parts: Buffer[] = [];
  packer.on('data', (part: Buffer) => parts.push(part));
  const ended = new Promise<void>((resolve, reject) => packer.once('end', resolve).once('error', reject));
  const write = async (bytes: Uint8Array): Promise<void> => {
    if (!packer.write(bytes)) await new Promise((resolve) => packer.once('drain', resolve));
  };
  const first = Buffer.alloc(stride + 1);
  first[0] = 1;
  for (let c = 0; c < frame.channels; c++) first[1 + c] = colour[c] ?? 0;
  await write(first);
  const rows = Math.max(1, Math.floor((1024 * 1024) / (stride + 1)));
  const block = Buffer.alloc(rows * (stride + 1));
  for (let y = 0; y < rows; y++) block[y * (stride + 1)] = 2;
  for (let left = frame.height - 1; left > 0; left -= rows) {
    await write(left >= rows ? block : block.subarray(0, left * (stride + 1)));
  }
  packer.end();
  await ended;
  return Buffer.concat(parts);
}
