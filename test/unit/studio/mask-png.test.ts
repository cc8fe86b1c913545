import sharp from 'sharp';
import { expect, test } from 'vitest';
import { maskPng } from '../../../studio/src/make/mask-png.ts';

test('a mask is the same by how light it is and by where it is transparent', async () => {
  const painted = new Uint8Array([255, 0, 128, 0, 255, 255]);
  const png = Buffer.from(await (await maskPng(painted, 3, 2)).arrayBuffer());
  const { data, info } = await sharp(png)
    .ensureAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  expect(info).toMatchObject({ width: 3, height: 2, channels: 4 });
  const pixels = Array.from({ length: 6 }, (_, i) => [...data.subarray(i * 4, i * 4 + 4)]);
  expect(pixels).toEqual([...painted].map((light) => [light, light, light, 255 - light]));
});
