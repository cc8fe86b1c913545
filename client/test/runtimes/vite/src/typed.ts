// What TypeScript takes and refuses, by the types that the gateway of the test has.
import { createComfy, type Result } from '@comfygate/client';

const comfy = createComfy({ url: '/' });

export async function draw(file: File): Promise<string[]> {
  const { images }: Result = await comfy.textToImage({ prompt: 'a boat', sampler: 'EULER', steps: 8 });
  await comfy.imageToImage({ prompt: 'a boat', image: file });
  await comfy.run('upscale', { image: images[0] ?? { url: 'https://example.com/boat.png' } });
  await comfy.custom({ graph: { 1: { class_type: 'LoadImage' } }, files: [{ node: '1', input: 'image', file }] });
  // @ts-expect-error: a text is wanted.
  await comfy.textToImage({ prompt: 7 });
  // @ts-expect-error: there is no such sampler.
  await comfy.textToImage({ prompt: 'a boat', sampler: 'NONE' });
  // @ts-expect-error: the picture is missing.
  await comfy.imageToImage({ prompt: 'a boat' });
  // @ts-expect-error: there is no such workflow.
  await comfy.textToNothing({});
  return images.map(({ url, width }) => `${url} ${width}`);
}
