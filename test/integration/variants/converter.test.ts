import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createConverter } from '../../../src/variants/converter.ts';
import { MEMORY_MIB } from '../../../src/variants/cost.ts';
import type { Variant } from '../../../src/variants/variant.ts';
import { fileToStore, testPicture } from '../../support/pictures.ts';
import { childrenOf } from '../../support/process-limits.ts';

const webp: Variant = { format: 'WEBP', width: 64, quality: 80 };
const never = new AbortController().signal;

describe('B05 a process that converts pictures', { timeout: 60_000 }, () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'comfygate-converter-'));
  });
  afterAll(() => rm(dir, { recursive: true }));

  function open(test: { onTestFinished(dispose: () => Promise<void>): void }, options = {}) {
    const converter = createConverter(options);
    test.onTestFinished(() => converter.close());
    return {
      converter,
      /** Makes a variant of a picture, at a place of its own. */
      async make(picture: Sharp, variant: Variant, signal = never) {
        const path = join(dir, randomUUID());
        const target = join(dir, randomUUID());
        await picture.toFile(path);
        return { target, ...(await converter.convert({ path, target, variant }, signal)) };
      },
    };
  }

  it('says what it has made, is used again, and ends when it is told to', async (test) => {
    const { make, converter } = open(test);
    const used = new Set<number>();
    for (let i = 0; i < 3; i++) {
      const { target, sizeBytes, sha256 } = await make(testPicture(200, 100).png(), webp);
      expect(await fileToStore(target, '', '')).toMatchObject({ sizeBytes, sha256 });
      expect(await sharp(target).metadata()).toMatchObject({ format: 'webp', width: 64, height: 32 });
      for (const pid of await childrenOf(process.pid)) used.add(pid);
    }
    expect(used.size).toBe(1);
    const [pid] = used;
    // Of the system's 19 steps: where there are too few processors, requests come first.
    expect(getPriority(pid)).toBe(Math.min(19, getPriority() + 10));
    await converter.close();
    expect(await childrenOf(process.pid)).toEqual([]);
  });

  it('refuses by the header what would take too much memory, and says how much', async (test) => {
    const { make } = open(test);
    const dear = { format: 'AVIF', width: null, quality: 50 } as const;
    const picture = sharp({ create: { width: 8000, height: 8000, channels: 3, background: 'teal' } }).png();
    const began = performance.now();
    await expect(make(picture, dear)).rejects.toMatchObject({
      reason: 'tooLarge',
      message: expect.stringMatching(/^it would take \d+ MiB of memory, at most \d+ are given/),
    });
    expect(performance.now() - began).toBeLessThan(15_000);
    expect(await make(testPicture(200, 100).png(), webp)).toMatchObject({ sizeBytes: expect.any(Number) });
  });

  it('ends when a picture takes more memory than it may, and the next one is made by another', async (test) => {
    const { make } = open(test, { memoryMib: 110 });
    const picture = testPicture(2000, 2000).png();
    await expect(make(picture, { format: 'AVIF', width: null, quality: 50 })).rejects.toMatchObject({
      reason: 'tooLarge',
      message: 'it takes more than 110 MiB of memory',
    });
    const { target } = await make(testPicture(200, 100).png(), webp);
    expect((await stat(target)).size).toBeGreaterThan(0);
    expect(MEMORY_MIB).toBeGreaterThan(110);
  });

  it('ends when a picture takes too long or is no longer wanted, and the next one is made by another', async (test) => {
    const slow = { format: 'AVIF', width: null, quality: 50 } as const;
    const { make } = open(test, { cpuSeconds: 0.3 });
    await expect(make(testPicture(2000, 2000).png(), slow)).rejects.toMatchObject({
      reason: 'tooLarge',
      message: 'it takes more than 0.3 s of a processor',
    });
    const patient = open(test);
    const leaving = new AbortController();
    const made = patient.make(testPicture(2000, 2000).png(), slow, leaving.signal);
    const reason = new Error('closing');
    await expect.poll(async () => (await childrenOf(process.pid)).length).toBe(1);
    leaving.abort(reason);
    await expect(made).rejects.toBe(reason);
    expect(await patient.make(testPicture(200, 100).png(), webp)).toMatchObject({ sizeBytes: expect.any(Number) });
  });
});
