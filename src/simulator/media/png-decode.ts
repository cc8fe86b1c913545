import { promisify } from 'node:util';
import { type InputType, inflate, type ZlibOptions } from 'node:zlib';
import { eachRow, type Frame, pixelFrame } from '../pictures/frame.ts';

const inflateAsync = promisify<InputType, ZlibOptions, Buffer>(inflate);
const channelsOf: Record<number, number> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

interface Parts {
  width: number;
  height: number;
  depth: number;
  colour: number;
  interlaced: boolean;
  palette: Buffer;
  transparency: Buffer;
  data: Buffer;
}

/** Text chunks of a PNG, `tEXt` and uncompressed `iTXt`. */
export function pngTexts(bytes: Buffer): Array<[string, string]> {
  const texts: Array<[string, string]> = [];
  for (const { type, data } of chunks(bytes)) {
    const end = data.indexOf(0);
    if (end < 0) continue;
    if (type === 'tEXt') texts.push([data.toString('latin1', 0, end), data.toString('latin1', end + 1)]);
    if (type === 'iTXt') texts.push([data.toString('latin1', 0, end), data.toString('utf8', end + 5)]);
  }
  return texts;
}

/** Reads a PNG of 8 bits a channel, not interlaced. Undefined for other PNGs; they have a size but no pixels here. */
export async function decodePng(bytes: Buffer): Promise<Frame | undefined> {
  const parts = readParts(bytes);
  if (parts?.depth !== 8 || parts.interlaced) return undefined;
  const { width, height, colour } = parts;
  const channels = channelsOf[colour] ?? 3;
  const stride = width * channels;
  const rows = await inflateAsync(parts.data, { maxOutputLength: (stride + 1) * height + 1024 });
  if (rows.length < (stride + 1) * height) return undefined;
  const raw = new Uint8Array(stride * height);
  await eachRow(height, (y) => unfilter(rows, raw, y, stride, channels));
  const opaque = colour === 0 || colour === 2 || (colour === 3 && parts.transparency.length === 0);
  const out = opaque ? 3 : 4;
  const pixels = new Uint8Array(width * height * out);
  await eachRow(height, (y) => {
    for (let x = 0; x < width; x++) toRgb(raw, (y * width + x) * channels, pixels, (y * width + x) * out, parts, out);
  });
  return pixelFrame(width, height, out, pixels);
}

function toRgb(raw: Uint8Array, at: number, pixels: Uint8Array, to: number, parts: Parts, out: number): void {
  const value = raw[at] ?? 0;
  const grey = parts.colour === 0 || parts.colour === 4;
  for (let c = 0; c < 3; c++) {
    pixels[to + c] = parts.colour === 3 ? (parts.palette[value * 3 + c] ?? 0) : grey ? value : (raw[at + c] ?? 0);
  }
  if (out === 4) {
    const alpha = parts.colour === 3 ? parts.transparency[value] : parts.colour === 4 ? raw[at + 1] : raw[at + 3];
    pixels[to + 3] = alpha ?? 255;
  }
}

function unfilter(rows: Uint8Array, raw: Uint8Array, y: number, stride: number, step: number): void {
  const from = y * (stride + 1);
  const kind = rows[from];
  for (let i = 0; i < stride; i++) {
    const at = y * stride + i;
    const left = i >= step ? (raw[at - step] ?? 0) : 0;
    const up = y > 0 ? (raw[at - stride] ?? 0) : 0;
    const corner = y > 0 && i >= step ? (raw[at - stride - step] ?? 0) : 0;
    let predicted = 0;
    if (kind === 1) predicted = left;
    else if (kind === 2) predicted = up;
    else if (kind === 3) predicted = (left + up) >> 1;
    else if (kind === 4) predicted = paeth(left, up, corner);
    raw[at] = (rows[from + 1 + i] ?? 0) + predicted;
  }
}

function paeth(left: number, up: number, corner: number): number {
  const guess = left + up - corner;
  const a = Math.abs(guess - left);
  const b = Math.abs(guess - up);
  const c = Math.abs(guess - corner);
  if (a <= b && a <= c) return left;
  return b <= c ? up : corner;
}

function* chunks(bytes: Buffer): Generator<{ type: string; data: Buffer }> {
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    yield { type: bytes.toString('latin1', at + 4, at + 8), data: bytes.subarray(at + 8, at + 8 + length) };
    at += length + 12;
  }
}

function readParts(bytes: Buffer): Parts | undefined {
  const data: Buffer[] = [];
  let header: Buffer | undefined;
  let palette: Buffer = Buffer.alloc(0);
  let transparency: Buffer = Buffer.alloc(0);
  for (const part of chunks(bytes)) {
    if (part.type === 'IHDR' && part.data.length === 13) header = part.data;
    if (part.type === 'PLTE') palette = part.data;
    if (part.type === 'tRNS') transparency = part.data;
    if (part.type === 'IDAT') data.push(part.data);
  }
  if (!header) return undefined;
  return {
    width: header.readUInt32BE(0),
    height: header.readUInt32BE(4),
    depth: header[8] ?? 0,
    colour: header[9] ?? 0,
    interlaced: header[12] === 1,
    palette,
    transparency,
    data: Buffer.concat(data),
  };
}
