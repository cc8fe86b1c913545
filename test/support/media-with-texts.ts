import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import type { MetadataTags } from 'mediabunny';
import sharp from 'sharp';
import { onTestFinished } from 'vitest';
import { pngChunk } from '../../src/simulator/media/png.ts';

/** The same module as in the sources, which mediabunny wants to be loaded once. */
const mediabunny: typeof import('mediabunny') = createRequire(import.meta.url)('mediabunny');

type Texts = { [name: string]: string };

const square = { create: { width: 8, height: 8, channels: 3, background: '#777' } } as const;

/** A PNG with chunks of texts before its end. */
export async function pngWith(...chunks: Buffer[]): Promise<Buffer> {
  const plain = await sharp(square).png().toBuffer();
  return Buffer.concat([plain.subarray(0, -12), ...chunks, plain.subarray(-12)]);
}

const bytes = (...parts: (string | Uint8Array)[]) => Buffer.concat(parts.map((part) => Buffer.from(part as string)));
export const tEXt = (name: string, text: string) => pngChunk('tEXt', bytes(name, '\0', text));
export const zTXt = (name: string, text: string | Buffer) => pngChunk('zTXt', bytes(name, '\0\0', deflateSync(text)));
export const iTXt = (name: string, text: string, packed = false) =>
  pngChunk('iTXt', bytes(name, packed ? '\0\x01\0en\0\0' : '\0\0\0en\0\0', packed ? deflateSync(text) : text));
export const comf = (name: string, text: string) => pngChunk('comf', bytes(name, '\0', text));

/** A picture with texts in EXIF, as ComfyUI writes `workflow` and `prompt` into WebP. */
export function pictureWith(format: 'webp' | 'avif' | 'jpeg', { workflow, prompt, ...rest }: Texts): Promise<Buffer> {
  const IFD0 = {
    ...(workflow && { Make: `workflow:${workflow}` }),
    ...(prompt && { Model: `Prompt: ${prompt}` }),
    ...rest,
  };
  return sharp(square).withExif({ IFD0 }).toFormat(format).toBuffer();
}

const formats = {
  // As FFmpeg with `-movflags use_metadata_tags`, which ComfyUI asks for.
  mp4: () => new mediabunny.Mp4OutputFormat({ metadataFormat: 'mdta' }),
  mov: () => new mediabunny.MovOutputFormat({ metadataFormat: 'mdta' }),
  // As FFmpeg without it.
  udta: () => new mediabunny.MovOutputFormat({ metadataFormat: 'udta' }),
  webm: () => new mediabunny.WebMOutputFormat(),
  mp3: () => new mediabunny.Mp3OutputFormat(),
  flac: () => new mediabunny.FlacOutputFormat(),
  opus: () => new mediabunny.OggOutputFormat(),
};
const samples = {
  ...{ mp4: 'h264-aac.mp4', mov: 'h264.mov', udta: 'h264.mov', webm: 'vp8-opus.webm' },
  ...{ mp3: 'tone.mp3', flac: 'tone.flac', opus: 'tone.opus' },
};
/** A film or sound with tags. */
export async function mediumWith(format: keyof typeof formats, tags: MetadataTags): Promise<Buffer> {
  const path = new URL(`../unit/files/media/${samples[format]}`, import.meta.url);
  const source = new mediabunny.BufferSource(await readFile(path));
  const input = new mediabunny.Input({ formats: mediabunny.ALL_FORMATS, source });
  const target = new mediabunny.BufferTarget();
  const output = new mediabunny.Output({ format: formats[format](), target });
  const conversion = await mediabunny.Conversion.init({ input, output, tags, showWarnings: false });
  await conversion.execute();
  return Buffer.from(target.buffer ?? new ArrayBuffer(0));
}

export function glbWith(extras: object): Buffer {
  const json = Buffer.from(JSON.stringify({ asset: { version: '2.0', extras }, nodes: [{ mesh: 0 }] }));
  const padded = Buffer.concat([json, Buffer.alloc((4 - (json.length % 4)) % 4, ' ')]);
  const head = Buffer.alloc(20);
  head.write('glTF');
  head.writeUInt32LE(2, 4);
  head.writeUInt32LE(20 + padded.length, 8);
  head.writeUInt32LE(padded.length, 12);
  head.write('JSON', 16);
  return Buffer.concat([head, padded]);
}

export function safetensorsWith(metadata: Texts): Buffer {
  const tensor = { dtype: 'F32', shape: [1], data_offsets: [0, 4] };
  const header = Buffer.from(JSON.stringify({ __metadata__: metadata, latent_tensor: tensor }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, Buffer.alloc(4)]);
}

/** Writes a file into a folder of its own, which goes with the test. */
export async function fileOf(name: string, content: string | Uint8Array): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'comfygate-file-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  await writeFile(join(dir, name), content);
  return join(dir, name);
}
