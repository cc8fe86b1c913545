import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { chromium } from 'playwright-core';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { jobPrefix } from '../../../src/artifacts/keys.ts';
import { findMinio, startTestMinio } from '../../support/minio.ts';
import { openProduct } from '../../support/product.ts';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

const QUERY = `query Pictures($id: ID!) { job(id: $id) { artifacts { ... on ImageArtifact {
  small: url(format: WEBP, width: 64) large: url(format: AVIF, width: 256)
  plain: url(format: JPEG, quality: 60) } } } }`;
const picturesSchema = z.object({
  job: z.object({
    artifacts: z.tuple([z.object({ small: z.string(), large: z.string(), plain: z.string() })]),
  }),
});

test.skipIf(!existsSync(CHROMIUM) || findMinio() === null)(
  'a page shows pictures of the widths that it needs, made by whichever gateway is asked, and they go with their job',
  { timeout: 240_000 },
  async (context) => {
    const minio = await startTestMinio();
    context.onTestFinished(() => minio.close());
    const product = await openProduct(context, { minio });
    const [one, other] = await Promise.all([product.gateway(), product.gateway(), product.worker()]);
    const { id } = await one.generate({ parameters: { width: 512, height: 384 } });
    await one.watch(id).end(60_000);
    const answer = await one.post(QUERY, { id });
    const { small, large, plain } = picturesSchema.parse(answer.data).job.artifacts[0];
    expect(new URL(small).origin).toBe(one.url);

    const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
    context.onTestFinished(() => browser.close());
    /** What the browser has chosen for a page that knows all three, on a screen of that density. */
    async function shown(deviceScaleFactor: number) {
      const page = await browser.newPage({ viewport: { width: 300, height: 300 }, deviceScaleFactor });
      const escaped = [small, large, plain].map((url) => url.replaceAll('&', '&amp;'));
      // The second gateway makes what the first has signed.
      const [webp, avif, jpeg = ''] = escaped.map((url) => url.replace(one.url, other.url));
      const srcset = `${webp} 64w, ${avif} 256w, ${jpeg} 512w`;
      await page.setContent(`<img id="it" width="60" sizes="60px" srcset="${srcset}" src="${jpeg}">`);
      const chosen = await page.evaluate(async () => {
        const image = document.querySelector('img');
        await image?.decode();
        const address = image?.currentSrc ?? '';
        const alone = new Image();
        alone.src = address;
        await alone.decode();
        return { address, width: alone.naturalWidth, height: alone.naturalHeight };
      });
      const shots = process.env.SCREENSHOTS;
      if (shots) await page.screenshot({ path: `${shots}/picture-${deviceScaleFactor}.png` });
      return chosen;
    }
    for (const [density, url, width] of [
      [1, small, 64],
      [4, large, 256],
      [8, plain, 512],
    ] as const) {
      const address = url.replace(one.url, other.url);
      expect(await shown(density)).toEqual({ address, width, height: (width / 4) * 3 });
    }

    const stored = async () => {
      const names: string[] = [];
      for await (const { name } of minio.admin.listObjectsV2('comfygate', jobPrefix(id), true)) names.push(name);
      return names.length;
    };
    expect(await stored()).toBe(4);
    const { errors } = await one.post('mutation Delete($id: ID!) { deleteJob(id: $id) }', { id });
    expect(errors).toEqual([]);
    expect(await stored()).toBe(0);
    expect((await fetch(small)).status).toBe(404);
  },
);

test('text that a workflow saves is there as text', { timeout: 120_000 }, async (context) => {
  const product = await openProduct(context, {});
  const gateway = await product.both();
  const workflow = new URL('../../comfyui/recorded/workflows/10_save_text_file.json', import.meta.url);
  const graph: unknown = JSON.parse(await readFile(workflow, 'utf8'));
  const made = await gateway.post('mutation Make($input: GenerateInput!) { generate(input: $input) { job { id } } }', {
    input: { idempotencyKey: randomUUID(), workflow: { custom: { graph } } },
  });
  const { generate } = z.object({ generate: z.object({ job: z.object({ id: z.string() }) }) }).parse(made.data);
  await gateway.watch(generate.job.id).end(60_000);
  const seen = await gateway.post(
    'query Text($id: ID!) { job(id: $id) { artifacts { __typename size ... on TextArtifact { text } } } }',
    { id: generate.job.id },
  );
  expect(seen.errors).toEqual([]);
  expect(seen.data).toEqual({
    job: { artifacts: [{ __typename: 'TextArtifact', size: 12, text: '{\n  "a": 1\n}' }] },
  });
});
