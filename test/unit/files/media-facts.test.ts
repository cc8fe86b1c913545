import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inspectFile } from '../../../src/files/inspect.ts';
import { createMediaReader } from '../../../src/files/media-facts.ts';
import { encodeClip } from '../../../src/simulator/media/clip.ts';
import { writeClip } from '../../../src/simulator/media/containers.ts';
import { encodeFlac } from '../../../src/simulator/media/flac.ts';
import { createH264Encoder } from '../../../src/simulator/media/h264.ts';
import { encodeMp3, encodeOpus } from '../../../src/simulator/media/sound.ts';
import { createVp8Encoder } from '../../../src/simulator/media/vp8.ts';
import { imageOf } from '../../../src/simulator/pictures/frame.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'comfygate-media-'));
});
afterAll(() => rm(dir, { recursive: true }));

const { signal } = new AbortController();
const readMedia = createMediaReader();
const inspect = (path: string) => inspectFile(path, path, (found) => readMedia(found, signal));

async function write(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(dir, name);
  await writeFile(path, bytes);
  return path;
}

const u32 = (...numbers: number[]) => {
  const bytes = Buffer.alloc(numbers.length * 4);
  for (const [index, number] of numbers.entries()) bytes.writeUInt32BE(number, index * 4);
  return bytes;
};
const box = (type: string, ...parts: Uint8Array[]) => {
  const body = Buffer.concat(parts);
  return Buffer.concat([u32(body.length + 8), Buffer.from(type), body]);
};
const brand = box('ftyp', Buffer.from('isom'), u32(512), Buffer.from('isommp41'));

/** An MP4 that says it has so many frames, in a few hundred bytes. */
function promising(frames: number): Buffer {
  const tables = box(
    'stbl',
    box('stsd', u32(0, 1), box('avc1', Buffer.alloc(24), Buffer.from([0, 96, 0, 64]), Buffer.alloc(50))),
    box('stts', u32(0, 1, frames, 1)),
    box('stsz', u32(0, 1, frames)),
    box('stsc', u32(0, 1, 1, frames, 1)),
    box('stco', u32(0, 1, 8)),
  );
  const handler = box('hdlr', u32(0, 0), Buffer.from('vide'), Buffer.alloc(13));
  const media = box('mdia', box('mdhd', u32(0, 0, 0, 1_000, 0, 0)), handler, box('minf', tables));
  const track = box('trak', box('tkhd', u32(3, 0, 0, 1, 0, 0), Buffer.alloc(60)), media);
  return Buffer.concat([brand, box('moov', box('mvhd', u32(0, 0, 0, 1_000, 0), Buffer.alloc(80)), track)]);
}

describe('the facts of a medium', () => {
  // Made by FFmpeg; the durations are what ffprobe says, which leaves an MP3's padding out.
  it.each([
    ['h264-aac.mp4', 'video/mp4', 96, 64, 0.564],
    ['av1.mp4', 'video/mp4', 96, 64, 0.5],
    ['h264.mov', 'video/quicktime', 96, 64, 0.667],
    ['h264-aac.mkv', 'video/matroska', 96, 64, 0.628],
    ['vp9.webm', 'video/webm', 96, 64, 0.75],
    ['vp8-opus.webm', 'video/webm', 96, 64, 0.514],
    ['tone.webm', 'audio/webm', undefined, undefined, 0.514],
    ['tone.m4a', 'audio/x-m4a', undefined, undefined, 0.564],
    ['tone.mp3', 'audio/mpeg', undefined, undefined, 0.6],
    ['tone.flac', 'audio/flac', undefined, undefined, 0.25],
    ['tone.wav', 'audio/wav', undefined, undefined, 0.25],
    ['tone.opus', 'audio/ogg', undefined, undefined, 0.513],
  ])('%s', async (name, contentType, width, height, seconds) => {
    const found = await inspect(fileURLToPath(new URL(`media/${name}`, import.meta.url)));
    const { durationSeconds, ...rest } = found;
    expect(rest).toEqual({
      kind: contentType.split('/', 1)[0],
      contentType,
      ...(width === undefined ? {} : { width, height }),
    });
    expect(Math.abs((durationSeconds ?? 0) - seconds)).toBeLessThan(0.1);
  });

  it('are those of what the simulator makes', async () => {
    const image = { width: 48, height: 32, channels: 3 as const, pixels: async () => new Uint8Array(48 * 32 * 3) };
    const images = imageOf([image, image, image]);
    const [h264, vp8] = [await encodeClip(images, 6, createH264Encoder), await encodeClip(images, 6, createVp8Encoder)];
    const sound = { sampleRate: 48_000, channels: 2, length: 72_000 };
    const video = { kind: 'video', width: 48, height: 32, durationSeconds: 0.5 };
    expect(await inspect(await write('a.mp4', await writeClip(h264, 'mp4')))).toMatchObject(video);
    expect(await inspect(await write('a.webm', await writeClip(vp8, 'webm')))).toMatchObject(video);
    expect(await inspect(await write('a.mkv', await writeClip(h264, 'mkv')))).toMatchObject(video);
    const audio = { kind: 'audio', durationSeconds: expect.closeTo(1.5, 1) };
    expect(await inspect(await write('a.flac', await encodeFlac(sound, [])))).toMatchObject(audio);
    expect(await inspect(await write('a.mp3', encodeMp3(sound)))).toMatchObject(audio);
    expect(await inspect(await write('a.opus', await encodeOpus(sound, [])))).toMatchObject(audio);
  });

  it.each([
    ['nothing but a brand', brand],
    ['a box in a box, thirty thousand deep', Buffer.concat([brand, nested(30_000)])],
    ['four thousand million frames in a few bytes', promising(0xffff_ffff)],
    [
      'sixteen million empty elements',
      Buffer.concat([webmHead(), Buffer.alloc(32_000_000, Buffer.from('ec80', 'hex'))]),
    ],
    ['a sound of nothing but ones', Buffer.alloc(2_000_000, 0xff)],
  ])('of %s are not known, or as it says, soon and in little memory', async (_name, bytes) => {
    const path = await write('hostile', bytes);
    const before = process.memoryUsage.rss();
    const began = performance.now();
    await expect(readMedia(path, signal)).resolves.toSatisfy((facts) => facts === null || typeof facts === 'object');
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(process.memoryUsage.rss() - before).toBeLessThan(128 * 1024 * 1024);
  });

  it('are given up on after a while, and for whoever no longer waits, and others are read after that', async () => {
    const path = fileURLToPath(new URL('media/h264-aac.mp4', import.meta.url));
    const hasty = createMediaReader({ timeoutMs: 1 });
    await expect(hasty(path, signal)).resolves.toBeNull();
    const abort = new AbortController();
    const called = [readMedia(path, abort.signal), readMedia(path, abort.signal), readMedia(path, signal)];
    abort.abort(new Error('lease lost'));
    await expect(called[0]).rejects.toThrow('lease lost');
    await expect(called[1]).rejects.toThrow('lease lost');
    await expect(called[2]).resolves.toMatchObject({ hasVideo: true, hasAudio: true, width: 96 });
    await expect(readMedia(join(dir, 'absent'), signal)).resolves.toBeNull();
  });
});

function nested(depth: number): Buffer {
  const bytes = Buffer.alloc(depth * 8);
  for (let index = 0; index < depth; index++) {
    bytes.writeUInt32BE((depth - index) * 8, index * 8);
    bytes.write(index % 2 === 0 ? 'moov' : 'trak', index * 8 + 4);
  }
  return bytes;
}

function webmHead(): Buffer {
  return Buffer.from(
    '1a45dfa3a34286810142f7810142f2810442f381084282847765626d42878104428581021853806701ffffffffffffff',
    'hex',
  );
}
