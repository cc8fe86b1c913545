/*
 * Makes a picture, and saves it in this folder:
 *
 *   node examples/generate.ts "a lighthouse at dusk" [http://localhost:4000]
 */
import { writeFile } from 'node:fs/promises';
import { createComfy } from '@comfygate/client';

const [prompt = 'a lighthouse at dusk, in oil', url = 'http://localhost:4000'] = process.argv.slice(2);
const comfy = createComfy({ url });

const { images } = await comfy.run(
  'textToImage',
  { prompt },
  { onProgress: ({ fraction, node }) => console.log(`${Math.round(fraction * 100)} %`.padStart(5), node?.title ?? '') },
);
for (const { filename, url: address } of images) {
  await writeFile(filename, Buffer.from(await (await fetch(address)).arrayBuffer()));
  console.log(filename);
}
await comfy.close();
