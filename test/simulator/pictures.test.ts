import { createHash } from 'node:crypto';
import { crc32, deflateSync, inflateSync } from 'node:zlib';
import { imageSize } from 'image-size';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { decodePicture } from '../../src/simulator/media/picture-files.ts';
import { pngTexts } from '../../src/simulator/media/png.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { testPicture } from '../support/pictures.ts';
import { pixelsOf } from '../support/png.ts';
import { ended, node, plainImage, submit, textToImage, uploadImage, viewPath } from './client.ts';

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startSimulator({ speed: Number.POSITIVE_INFINITY });
});
afterAll(() => simulator.close());

async function picture(graph: unknown, output: string, more = {}): Promise<Buffer> {
  const entry = await ended(simulator.url, await submit(simulator.url, graph, more));
  expect(entry.status.status_str).toBe('success');
  const response = await fetch(simulator.url + viewPath(entry.outputs[output].images[0]));
  return Buffer.from(await response.arrayBuffer());
}

/** The inflated rows of a PNG: its pixels, still filtered. */
function rows(png: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 8; at < png.length; at += png.readUInt32BE(at) + 12) {
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT')
      parts.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)));
  }
  return inflateSync(Buffer.concat(parts));
}

const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

test('a saved picture is a whole PNG of the asked size', async () => {
  const png = await picture(textToImage({ size: 200 }), '9');
  expect(imageSize(png)).toMatchObject({ width: 200, height: 200, type: 'png' });
  expect(rows(png)).toHaveLength((200 * 3 + 1) * 200);
});

test('a solid colour comes out as that colour', async () => {
  const data = rows(await picture(plainImage(0x336699), '2'));
  expect([...data.subarray(0, 4)]).toEqual([1, 0x33, 0x66, 0x99]);
});

test('other seeds and prompts make other pixels; the same ones make the same bytes', async () => {
  const same = [await picture(textToImage({ prefix: 'a/x' }), '9')];
  // Something else in between empties the result cache, so that the picture is drawn again.
  const others = [
    await picture(textToImage({ prefix: 'a/x', seed: 2 }), '9'),
    await picture(textToImage({ prefix: 'a/x', text: 'a castle' }), '9'),
  ];
  same.push(await picture(textToImage({ prefix: 'a/x' }), '9'));
  expect(new Set(same.map(digest)).size).toBe(1);
  expect(new Set([...same, ...others].map((png) => digest(rows(png)))).size).toBe(3);
});

test('the prompt and the workflow are in the text chunks of the file', async () => {
  const graph = textToImage({ text: 'Ünïcode ✓', prefix: 'meta/x' });
  const extra = { extra_data: { extra_pnginfo: { workflow: { id: 'w-1' } } } };
  const texts = new Map(pngTexts(await picture(graph, '9', extra)));
  expect(JSON.parse(texts.get('prompt') ?? '')).toMatchObject(graph);
  expect(JSON.parse(texts.get('workflow') ?? '')).toEqual({ id: 'w-1' });
});

test.each(['png', 'jpeg', 'webp', 'gif'] as const)(
  'an uploaded %s is the picture that its node loads',
  async (format) => {
    const file = await testPicture(40, 30).toFormat(format).toBuffer();
    await uploadImage(simulator.url, `loaded.${format}`, file);
    const graph = {
      '1': node('LoadImage', { image: `loaded.${format}` }),
      '2': node('SaveImage', { images: ['1', 0], filename_prefix: 'loaded/x' }),
    };
    const [loaded, original] = await Promise.all([pixelsOf(await picture(graph, '2')), pixelsOf(file)]);
    expect(loaded).toEqual({ ...original, channels: 3 });
  },
);

test.each([
  ['webp', 'webp'],
  ['jpeg;50', 'jpeg'],
  ['bmp;500', 'webp'],
])('a preview as %s is a %s of the same size', async (preview, format) => {
  const [file] = (await ended(simulator.url, await submit(simulator.url, plainImage(7)))).outputs['2'].images;
  const response = await fetch(`${simulator.url}${viewPath(file)}&preview=${preview}`);
  expect(response.headers.get('content-type')).toBe(`image/${format}`);
  const { width, height, type } = imageSize(new Uint8Array(await response.arrayBuffer()));
  expect([width, height, type]).toEqual([32, 24, format === 'jpeg' ? 'jpg' : format]);
});

test('frames become an animated WebP that shows each as long as was asked', async () => {
  const graph = {
    '1': node('EmptyImage', { width: 32, height: 24, batch_size: 1, color: 255 }),
    '2': node('ImageInvert', { image: ['1', 0] }),
    '3': node('ImageBatch', { image1: ['1', 0], image2: ['2', 0] }),
    '4': node('SaveAnimatedWEBP', {
      images: ['3', 0],
      filename_prefix: 'animated/x',
      fps: 4,
      lossless: true,
      quality: 80,
      method: 'default',
    }),
  };
  const { width, pageHeight, pages, delay, loop } = await sharp(await picture(graph, '4'), {
    animated: true,
  }).metadata();
  expect({ width, pageHeight, pages, delay, loop }).toEqual({
    width: 32,
    pageHeight: 24,
    pages: 2,
    delay: [250, 250],
    loop: 0,
  });
});

test('a huge batch that nobody saves costs nothing, and one of it can be saved', async () => {
  const before = process.memoryUsage().rss;
  const graph = {
    '1': node('EmptyImage', { width: 8192, height: 8192, batch_size: 60, color: 255 }),
    '2': node('ImageInvert', { image: ['1', 0] }),
    '3': node('ImageFromBatch', { image: ['2', 0], batch_index: 59, length: 1 }),
    '4': node('SaveImage', { images: ['3', 0], filename_prefix: 'huge/x' }),
  };
  const png = await picture(graph, '4');
  expect(imageSize(png)).toMatchObject({ width: 8192, height: 8192 });
  expect(process.memoryUsage().rss - before).toBeLessThan(150 * 1024 * 1024);
});

test('old results go when the files are more than the bound', async () => {
  await using small = await startSimulator({ speed: Number.POSITIVE_INFINITY, maxFileBytes: 40_000 });
  const files = [];
  for (let seed = 0; seed < 8; seed++) {
    const entry = await ended(small.url, await submit(small.url, textToImage({ seed, size: 96 })));
    files.push(entry.outputs['9'].images[0]);
  }
  const statuses = await Promise.all(files.map(async (file) => (await fetch(small.url + viewPath(file))).status));
  expect(statuses.at(-1)).toBe(200);
  expect(statuses[0]).toBe(404);
});

test('an SVG and a file of more pixels than Pillow takes are no pictures', async () => {
  expect(await decodePicture(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'))).toBe(
    undefined,
  );
  // Black, with a bit for each pixel, so that the file is small.
  const black = (side: number) => {
    const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
    header.writeUInt32BE(side, 0);
    header.writeUInt32BE(side, 4);
    const rows = deflateSync(Buffer.alloc((1 + Math.ceil(side / 8)) * side));
    const chunks = [chunk('IHDR', header), chunk('IDAT', rows), chunk('IEND', Buffer.alloc(0))];
    return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), ...chunks]);
  };
  expect(await decodePicture(black(8))).toMatchObject({ width: 8, height: 8 });
  // The first side whose square is beyond the bound, and within that of sharp itself.
  expect(await decodePicture(black(13_378))).toBe(undefined);
});

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const ends = Buffer.alloc(8);
  ends.writeUInt32BE(data.length, 0);
  ends.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)]);
}
