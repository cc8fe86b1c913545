import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inspectFile, OutputInvalidError } from '../../../src/files/inspect.ts';
import { stripPngMetadata, withoutPngMetadata } from '../../../src/files/png-metadata.ts';
import { spool } from '../../../src/files/spool.ts';
import { encodeApng, encodePng, type PngText, pngChunk } from '../../../src/simulator/media/png.ts';
import type { Frame } from '../../../src/simulator/pictures/frame.ts';
import { pixelsOf } from '../../support/png.ts';

const signature = Buffer.from('89504e470d0a1a0a', 'hex');
const dropped = ['tEXt', 'zTXt', 'iTXt', 'eXIf', 'comf'];
const kept = ['IHDR', 'PLTE', 'tRNS', 'gAMA', 'cHRM', 'sRGB', 'iCCP', 'pHYs', 'tIME', 'acTL', 'fcTL', 'fdAT', 'IDAT'];

/** `cuts`: where the stream is cut into buffers. */
async function strip(bytes: Buffer, cuts: number[] = []): Promise<Buffer> {
  const edges = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).toSorted((a, b) => a - b), bytes.length];
  const parts = edges.slice(1).map((edge, index) => bytes.subarray(edges[index], edge));
  const stripped = await buffer(Readable.from(parts.filter((part) => part.length > 0)).pipe(withoutPngMetadata()));
  expect(stripPngMetadata(bytes).equals(stripped)).toBe(true);
  return stripped;
}

const cuts = fc.array(fc.nat(3_000), { maxLength: 20 });
const chunks = fc.array(
  fc
    .tuple(fc.constantFrom(...dropped, ...kept), fc.uint8Array({ maxLength: 300 }))
    .map(([type, data]) => ({ type, data })),
  { maxLength: 12 },
);

const pixels = Uint8Array.from({ length: 45 }, (_, index) => (index * 37) % 256);
const pictureOf = (data: Uint8Array): Frame => ({ width: 5, height: 3, channels: 3, pixels: async () => data });
const picture = pictureOf(pixels);
const workflow: PngText[] = [
  ['prompt', '{"3": {"inputs": {"text": "a secret cat"}}}'],
  ['workflow', '{"nodes": ["кот"]}'],
];

describe('PNG without metadata', () => {
  it('A62 loses the chunks that carry words and nothing else, however it comes in pieces', async () => {
    await fc.assert(
      fc.asyncProperty(chunks, cuts, fc.constantFrom(0, 16), async (list, where, zeros) => {
        const file = (only: typeof list) =>
          Buffer.concat([
            signature,
            ...only.map(({ type, data }) => pngChunk(type, data)),
            pngChunk('IEND', Buffer.alloc(0)),
            Buffer.alloc(zeros),
          ]);
        const expected = file(list.filter(({ type }) => kept.includes(type)));
        expect((await strip(file(list), where)).equals(expected)).toBe(true);
      }),
    );
  });

  it('lets everything that is no PNG through, whatever it is called', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 500 }), cuts, async (bytes, where) => {
        const file = Buffer.from(bytes);
        fc.pre(!file.subarray(0, 8).equals(signature));
        expect((await strip(file, where)).equals(file)).toBe(true);
      }),
    );
    const webp = Buffer.concat([Buffer.from('RIFF....WEBPVP8 '), pngChunk('tEXt', Buffer.from('prompt'))]);
    expect((await strip(webp)).equals(webp)).toBe(true);
  });

  it('keeps the pixels of a picture and the frames of an animation', async () => {
    const plain = await encodePng(picture);
    const stripped = await strip(await encodePng(picture, workflow));
    expect(stripped.equals(plain)).toBe(true);
    expect((await pixelsOf(stripped)).data).toEqual(Buffer.from(pixels));

    const frames = [picture, pictureOf(pixels.toReversed())];
    expect((await strip(await encodeApng(frames, 100, workflow))).equals(await encodeApng(frames, 100, []))).toBe(true);
  });

  it('C16 leaves a PNG that is cut off recognisable as such, wherever that is', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'comfygate-png-'));
    try {
      const signal = AbortSignal.timeout(30_000);
      const whole = await encodePng(picture, workflow);
      for (let length = 1; length < whole.length; length++) {
        const cut = Readable.from([whole.subarray(0, length)]);
        const file = await spool(cut, dir, { signal, transform: withoutPngMetadata() });
        await expect(inspectFile(file.path, 'a.png'), `${length} bytes`).rejects.toBeInstanceOf(OutputInvalidError);
        await file.dispose();
      }
      const endless = Buffer.concat([signature, Buffer.from('ffffffff', 'hex'), Buffer.from('tEXt'), whole]);
      expect((await strip(endless)).equals(signature)).toBe(true);
    } finally {
      await rm(dir, { recursive: true });
    }
  });

  it('is what is counted and hashed, while what comes is held against the announced length', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'comfygate-png-'));
    try {
      const signal = AbortSignal.timeout(30_000);
      const [whole, plain] = [await encodePng(picture, workflow), await encodePng(picture)];
      const options = { signal, expectedLength: whole.length };
      const file = await spool(Readable.from([whole]), dir, { ...options, transform: withoutPngMetadata() });
      expect(file).toMatchObject({
        sizeBytes: plain.length,
        sha256: createHash('sha256').update(plain).digest('hex'),
      });
      expect((await readFile(file.path)).equals(plain)).toBe(true);
      const short = Readable.from([whole.subarray(0, -1)]);
      await expect(spool(short, dir, { ...options, transform: withoutPngMetadata() })).rejects.toMatchObject({
        reason: 'truncated',
      });
    } finally {
      await rm(dir, { recursive: true });
    }
  });
});
