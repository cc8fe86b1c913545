import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import sharp, { type Sharp } from 'sharp';
import type { FileToStore } from '../../src/artifacts/artifact-store.ts';
import { readExactly } from '../../src/artifacts/source-file.ts';

/** A picture with smooth and detailed parts, so that encoders of every format have work to do. */
export function testPicture(width: number, height: number): Sharp {
  const pixels = Buffer.alloc(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = (y * width + x) * 3;
      pixels[at] = 128 + 100 * Math.sin(x / 30);
      pixels[at + 1] = 128 + 100 * Math.cos(y / 50);
      pixels[at + 2] = (x ^ y) & 255;
    }
  }
  return sharp(pixels, { raw: { width, height, channels: 3 } });
}

/** An animation whose frames have one colour each. */
export function testAnimation(width: number, height: number, frames: number): Sharp {
  const pixels = Buffer.alloc(width * height * 3 * frames);
  for (let frame = 0; frame < frames; frame++) {
    pixels.fill(frame * 40, frame * width * height * 3, (frame + 1) * width * height * 3);
  }
  return sharp(pixels, { raw: { width, height: height * frames, channels: 3, pageHeight: height } });
}

/** A file in the form in which a worker stores it. */
export async function fileToStore(path: string, contentType: string, filename: string): Promise<FileToStore> {
  const { size } = await stat(path);
  const hash = createHash('sha256');
  for await (const chunk of readExactly(path, size)) hash.update(chunk);
  return { path, sizeBytes: size, sha256: hash.digest('hex'), contentType, filename };
}
