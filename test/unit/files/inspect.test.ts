import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAX_TEXT_BYTES } from '../../../src/core/artifact-kind.ts';
import { inspectBytes, inspectFile, OutputInvalidError } from '../../../src/files/inspect.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'comfygate-inspect-'));
});
afterAll(() => rm(dir, { recursive: true }));

async function inspect(name: string, bytes: Uint8Array | string) {
  const path = join(dir, randomUUID());
  await writeFile(path, bytes);
  const [onDisk, inMemory] = await Promise.allSettled([
    inspectFile(path, name),
    inspectBytes(Buffer.from(bytes), name),
  ]);
  expect(inMemory).toEqual(onDisk);
  if (onDisk.status === 'rejected') throw onDisk.reason;
  return onDisk.value;
}

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

function png(width: number, height: number): Buffer {
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const framed = Buffer.alloc(body.length + 8);
    framed.writeUInt32BE(data.length, 0);
    body.copy(framed, 4);
    framed.writeUInt32BE(crc32(body), body.length + 4);
    return framed;
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2], 8);
  const pixels = deflateSync(Buffer.alloc((width * 3 + 1) * height, 7));
  const signature = hex('89504e470d0a1a0a');
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', pixels), chunk('IEND', Buffer.alloc(0))]);
}

/** Head, size, a little data, end; `before`: bytes of a profile that stands before the size. */
function jpeg(width: number, height: number, before = 0): Buffer {
  const profile = Array.from({ length: Math.ceil(before / 60_000) }, () =>
    Buffer.concat([hex('ffe2 ea62'), Buffer.alloc(60_000, 1)]),
  );
  const size = hex('ffc0 0011 08 0000 0000 03 012200 021101 031101');
  size.writeUInt16BE(height, 5);
  size.writeUInt16BE(width, 7);
  const jfif = hex('ffd8 ffe0 0010 4a46494600 0101 00 0001 0001 0000');
  const scan = Buffer.concat([hex('ffda 000c 03 0100 0211 0311 003f00'), Buffer.alloc(200, 0x55)]);
  return Buffer.concat([jfif, ...profile, size, scan, hex('ffd9')]);
}

function webp(width: number, height: number): Buffer {
  const file = Buffer.concat([
    Buffer.from('RIFF____WEBPVP8X'),
    hex('0a000000 00000000 000000 000000'),
    Buffer.alloc(100, 9),
  ]);
  file.writeUInt32LE(file.length - 8, 4);
  file.writeUIntLE(width - 1, 24, 3);
  file.writeUIntLE(height - 1, 27, 3);
  return file;
}

function gif(width: number, height: number): Buffer {
  const file = Buffer.concat([Buffer.from('GIF89a'), hex('0000 0000 000000 2c00000000 01000100 00 02024c0100 3b')]);
  file.writeUInt16LE(width, 6);
  file.writeUInt16LE(height, 8);
  return file;
}

const images: [name: string, contentType: string, make: (width: number, height: number) => Buffer][] = [
  ['a.png', 'image/png', png],
  ['a.jpg', 'image/jpeg', jpeg],
  ['a.webp', 'image/webp', webp],
  ['a.gif', 'image/gif', gif],
];

describe('inspecting an output', () => {
  it.each(images)('reads the size of %s by its bytes, whatever it is called', async (name, contentType, make) => {
    const expected = { kind: 'image', contentType, width: 640, height: 479 };
    expect(await inspect(name, make(640, 479))).toEqual(expected);
    expect(await inspect('unnamed', make(640, 479))).toEqual(expected);
    expect(await inspect('other.PNG', make(640, 479))).toEqual(expected);
  });

  it.each(images)('C16 refuses %s wherever it is cut off', async (name, _contentType, make) => {
    const whole = make(64, 64);
    for (let length = 0; length < whole.length; length += length < 40 ? 1 : 13) {
      const cut = inspect(name, whole.subarray(0, length));
      await expect(cut, `${length} of ${whole.length} bytes`).rejects.toBeInstanceOf(OutputInvalidError);
    }
    await expect(inspect(name, whole.subarray(0, -1))).rejects.toBeInstanceOf(OutputInvalidError);
  });

  it('looks past a long colour profile, and past zeros at the end', async () => {
    expect(await inspect('a.jpg', jpeg(800, 600, 2_000_000))).toMatchObject({ width: 800, height: 600 });
    expect(await inspect('a.png', Buffer.concat([png(3, 2), Buffer.alloc(16)]))).toMatchObject({ width: 3, height: 2 });
  });

  it.each([
    ['a.png', 'Internal Server Error'],
    ['a.png', '<html><body>404</body></html>'],
    ['a.webp', Buffer.alloc(2000)],
    ['a.mp4', png(2, 2)],
    ['a.png', Buffer.from('fLaC\0\0\0\x22')],
    ['a.flac', 'text'],
    ['a.bin', ''],
  ])('C16 refuses %s that is not what its name says', async (name, bytes) => {
    await expect(inspect(name, bytes)).rejects.toBeInstanceOf(OutputInvalidError);
  });

  const mp4 = Buffer.concat([hex('00000018'), Buffer.from('ftypisom'), hex('00000200'), Buffer.from('isommp41')]);
  const wav = Buffer.concat([Buffer.from('RIFF'), hex('24000000'), Buffer.from('WAVEfmt '), Buffer.alloc(28)]);
  it.each([
    ['a.mp4', mp4, 'video', 'video/mp4'],
    ['a.m4a', mp4, 'video', 'video/mp4'],
    ['a.wav', wav, 'audio', 'audio/wav'],
    ['a.txt', 'a cat\nкот\n', 'text', 'text/plain'],
    ['caption', 'a cat', 'text', 'text/plain'],
    ['a.json', '{"a":1}', 'text', 'application/json'],
    ['constructor', 'a cat', 'text', 'text/plain'],
    ['a.constructor', 'a cat', 'text', 'text/plain'],
    ['a.html', '<p>', 'file', 'text/html'],
    ['a.svg', '<svg xmlns="http://www.w3.org/2000/svg"/>', 'file', 'image/svg+xml'],
    ['a.svg', '<?xml version="1.0"?><svg/>', 'file', 'image/svg+xml'],
    ['a.latent', Buffer.from([120, 0, 0, 0, 0, 0, 0, 0, 123, 125]), 'file', 'application/octet-stream'],
    ['a.txt', Buffer.from([0xff, 0xfe, 0x41]), 'file', 'application/octet-stream'],
  ])('takes %s for what it is', async (name, bytes, kind, contentType) => {
    expect(await inspect(name, bytes)).toEqual({ kind, contentType });
  });

  it('takes for text only what is text to its end, and short enough to be read as a whole', async () => {
    const long = `a${'é'.repeat(MAX_TEXT_BYTES / 2 - 1)}b`;
    expect(Buffer.byteLength(long)).toBe(MAX_TEXT_BYTES);
    expect(await inspect('a.txt', long)).toEqual({ kind: 'text', contentType: 'text/plain' });
    expect(await inspect('a.json', `${long}b`)).toEqual({ kind: 'file', contentType: 'application/json' });
    const broken = Buffer.concat([Buffer.from(long.slice(0, 200_000)), Buffer.from([0xff])]);
    const cut = Buffer.from(long.slice(0, 200_000)).subarray(0, -1);
    for (const bytes of [broken, cut]) {
      expect(await inspect('a.txt', bytes)).toEqual({ kind: 'file', contentType: 'application/octet-stream' });
    }
  });
});
