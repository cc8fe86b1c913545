import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodePng } from '../../../src/simulator/media/png.ts';
import { solidFrame } from '../../../src/simulator/pictures/frame.ts';
import { checkKind, inspectInput } from '../../../worker/inputs/inspect-input.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'comfygate-inspect-'));
});
afterAll(() => rm(dir, { recursive: true }));

async function inspect(bytes: Uint8Array | string) {
  const path = join(dir, 'input');
  await writeFile(path, bytes);
  return inspectInput(path);
}

const bytes = (...parts: (string | number | number[] | Buffer)[]) =>
  Buffer.concat(
    parts.map((part) =>
      typeof part === 'string'
        ? Buffer.from(part, 'latin1')
        : typeof part === 'number'
          ? Buffer.from([part])
          : Buffer.from(part),
    ),
  );
const le16 = (value: number) => [value & 255, value >> 8];
const le32 = (value: number) => [...le16(value & 0xffff), ...le16(value >>> 16)];

function chunk(name: string, data: Buffer) {
  const named = bytes(name, data);
  const out = Buffer.alloc(8 + named.length);
  out.writeUInt32BE(data.length);
  named.copy(out, 4);
  out.writeUInt32BE(crc32(named), 4 + named.length);
  return out;
}

/** The headers of a PNG: nobody unpacks it here. */
function png(width: number, height: number, frames = 1, ...more: Buffer[]) {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const animation = Buffer.alloc(8);
  animation.writeUInt32BE(frames);
  return bytes(
    '\x89PNG\r\n\x1a\n',
    chunk('IHDR', header),
    frames > 1 ? chunk('acTL', animation) : '',
    ...more,
    chunk('IDAT', Buffer.from([0])),
    chunk('IEND', Buffer.alloc(0)),
  );
}

const gifFrame = (width: number, height: number) =>
  bytes(0x2c, [0, 0, 0, 0], le16(width), le16(height), 0, 2, [2, 0x4c, 1], 0);
const gif = (width: number, height: number, frames = 1, tail = ';') =>
  bytes(
    'GIF89a',
    le16(width),
    le16(height),
    [0x80, 0, 0],
    [0, 0, 0, 255, 255, 255],
    [0x21, 0xf9, 4, 0, 0, 0, 0, 0],
    ...Array(frames).fill(gifFrame(width, height)),
    tail,
  );

function webp(width: number, height: number, frames = 0, tail = '') {
  const canvas = bytes(
    [frames ? 2 : 0, 0, 0, 0],
    le16((width - 1) & 0xffff),
    (width - 1) >> 16,
    le16((height - 1) & 0xffff),
    (height - 1) >> 16,
  );
  const parts = bytes(
    'WEBP',
    'VP8X',
    le32(10),
    canvas,
    ...Array(frames).fill(bytes('ANMF', le32(2), 'xx')),
    'VP8L',
    le32(2),
    'xx',
  );
  return bytes('RIFF', le32(parts.length), parts, tail);
}

function tiff(width: number, height: number, pages = 1) {
  const entry = (tag: number, value: number) => bytes(le16(tag), le16(3), le32(1), le16(value), [0, 0]);
  const page = (next: number) => bytes(le16(2), entry(256, width), entry(257, height), le32(next));
  const length = page(0).length;
  return bytes(
    'II',
    le16(42),
    le32(8),
    ...Array.from({ length: pages }, (_, i) => page(i + 1 < pages ? 8 + (i + 1) * length : 0)),
  );
}

const jpeg = (width: number, height: number, tail = '\xff\xd9') =>
  bytes(
    [0xff, 0xd8, 0xff, 0xe0],
    [0, 16],
    'JFIF\0',
    [1, 1, 0, 0, 1, 0, 1, 0, 0],
    [0xff, 0xc0, 0, 11, 8],
    [height >> 8, height & 255, width >> 8, width & 255],
    [1, 1, 17, 0],
    [0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0],
    'data',
    tail,
  );

const bmp = (width: number, height: number) =>
  bytes('BM', le32(54), le32(0), le32(54), le32(40), le32(width), le32(height), le16(1), le16(24), Buffer.alloc(24));

describe('an input file', () => {
  it('is known by its bytes, whatever it was called', async () => {
    expect(await inspect(await encodePng(solidFrame(20, 10, [1, 2, 3])))).toEqual({
      family: 'image',
      extension: 'png',
    });
    expect(await inspect(png(20, 10, 5))).toEqual({ family: 'image', extension: 'png' });
    expect(await inspect(gif(20, 10, 3))).toEqual({ family: 'image', extension: 'gif' });
    expect(await inspect(webp(20, 10))).toEqual({ family: 'image', extension: 'webp' });
    expect(await inspect(webp(20, 10, 4))).toEqual({ family: 'image', extension: 'webp' });
    expect(await inspect(jpeg(20, 10))).toEqual({ family: 'image', extension: 'jpg' });
    expect(await inspect(bmp(20, 10))).toEqual({ family: 'image', extension: 'bmp' });
    expect(await inspect(tiff(20, 10, 3))).toEqual({ family: 'image', extension: 'tiff' });
    expect(await inspect(bytes('RIFF', le32(100), 'WAVEfmt '))).toEqual({ family: 'audio', extension: 'wav' });
    expect(await inspect(bytes('fLaC', Buffer.alloc(50)))).toEqual({ family: 'audio', extension: 'flac' });
    expect(await inspect(bytes([0, 0, 0, 24], 'ftypisom', Buffer.alloc(50)))).toEqual({
      family: 'video',
      extension: 'mp4',
    });
  });

  it.each<[string, Uint8Array | string]>([
    ['nothing', ''],
    ['SVG', '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'],
    ['SVG behind an XML declaration', '<?xml version="1.0"?><!DOCTYPE svg><svg xmlns="http://www.w3.org/2000/svg"/>'],
    ['HTML', '<!doctype html><script>alert(1)</script>'],
    ['PDF', '%PDF-1.7\n'],
    ['an archive', bytes('PK\x03\x04', Buffer.alloc(100))],
    ['a program', bytes('\x7fELF', Buffer.alloc(100))],
    ['a Photoshop document', bytes('8BPS', [0, 1], Buffer.alloc(100))],
    ['an icon', bytes([0, 0, 1, 0, 1, 0], Buffer.alloc(100))],
    ['random bytes', Buffer.alloc(1000, 7)],
  ])('A32 is refused when it is %s', async (_name, content) => {
    await expect(inspect(content)).rejects.toMatchObject({ name: 'InputFault', transient: false });
  });

  it.each<[string, Buffer]>([
    ['a PNG with an archive behind it', bytes(png(9, 9), 'PK\x03\x04 and so on')],
    ['a PNG with HTML between its chunks', bytes(png(9, 9).subarray(0, 33), '<html>', png(9, 9).subarray(33))],
    ['a PNG that is cut off', png(9, 9).subarray(0, -6)],
    ['a GIF with HTML behind it', gif(9, 9, 1, ';<script>alert(1)</script>')],
    ['a GIF that is a script as well', bytes('GIF89a', '/*', '<h', Buffer.alloc(3), '*/=1;alert(1);')],
    ['a GIF without a picture', bytes('GIF89a', le16(9), le16(9), [0, 0, 0], ';')],
    ['a GIF that is cut off', gif(9, 9).subarray(0, -3)],
    ['a WebP with something behind it', webp(9, 9, 0, '<?php system($_GET[0]); ?>')],
    ['a WebP that is cut off', webp(9, 9).subarray(0, -4)],
    ['a JPEG with an archive behind it', jpeg(9, 9, '\xff\xd9PK\x03\x04')],
    ['a JPEG that is cut off', jpeg(9, 9, '')],
    ['B18 a JPEG with an archive behind it that ends like one', jpeg(9, 9, '\xff\xd9PK\x03\x04\xff\xd9')],
    ['B18 a JPEG with text between its segments', bytes(jpeg(9, 9).subarray(0, 20), '<html>', jpeg(9, 9).subarray(20))],
    [
      'B18 a JPEG whose second one is cut off',
      bytes(jpeg(9, 9), jpeg(9, 9, '').subarray(0, -4), '\xff\xd9'.slice(0, 1)),
    ],
    ['a TIFF whose pages go in a circle', bytes(tiff(9, 9).subarray(0, -4), le32(8))],
    ['a TIFF that is cut off', tiff(9, 9).subarray(0, -6)],
  ])('A32 is refused when it is %s', async (_name, content) => {
    await expect(inspect(content)).rejects.toMatchObject({
      message: expect.stringMatching(/cut off|more than|too large/),
    });
  });

  it.each<[string, Buffer]>([
    ['a side', png(16_385, 1)],
    ['the other side', jpeg(1, 16_385)],
    ['its pixels', png(8_001, 8_001)],
    ['the pixels of a GIF', gif(16_000, 16_000)],
    ['the pixels of a WebP', webp(16_384, 16_384)],
    ['the pixels of a BMP', bmp(16_000, 16_000)],
    ['the frames of a PNG', png(1_000, 1_000, 65)],
    ['the frames of a GIF', gif(1_000, 1_000, 65)],
    ['the frames of a WebP', webp(1_000, 1_000, 65)],
    ['the pages of a TIFF', tiff(1_000, 1_000, 65)],
  ])('A32 is refused when it unpacks to too much by %s', async (_name, content) => {
    await expect(inspect(content)).rejects.toMatchObject({ message: expect.stringMatching(/too large/) });
  });

  it('B18 may be a photo with further JPEGs behind it, data that looks like markers, or zeros at its end', async () => {
    const data = bytes('\xff\x00\xff\xd0\xff\xd7'.repeat(40_000), '\xff\xff\xd9');
    for (const content of [
      bytes(jpeg(9, 9), jpeg(4, 4)),
      bytes(jpeg(9, 9), Buffer.alloc(20)),
      jpeg(9, 9, data.toString('latin1')),
      jpeg(9, 9, `${'x'.repeat(65_536 - 58)}\xff\x00\xff\xda\x00\x02more\xff\xd9`),
    ]) {
      expect(await inspect(content)).toEqual({ family: 'image', extension: 'jpg' });
    }
  });

  it('may be as large as is allowed', async () => {
    for (const content of [png(8_000, 8_000), png(16_384, 3_906), png(1_000, 1_000, 64), gif(1_000, 1_000, 64)]) {
      expect((await inspect(content)).family).toBe('image');
    }
  });

  it('must be of the kind that its place takes', () => {
    const input = (family: 'image' | 'audio' | 'video') => ({ family, extension: 'x' });
    for (const family of ['image', 'audio', 'video'] as const)
      expect(() => checkKind(input(family), null)).not.toThrow();
    for (const kind of ['image', 'mask'] as const) {
      expect(() => checkKind(input('image'), kind)).not.toThrow();
      expect(() => checkKind(input('audio'), kind)).toThrow(/PNG/);
    }
    // A box for films may hold sound alone.
    expect(() => checkKind(input('video'), 'audio')).not.toThrow();
    expect(() => checkKind(input('image'), 'audio')).toThrow(/sound/);
    expect(() => checkKind(input('audio'), 'video')).toThrow(/film/);
  });
});
