import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import * as z from 'zod';
import { listen } from '../../src/http/listen.ts';
import { freePort } from '../support/free-port.ts';
import { createGatewayClient } from '../support/gateway-client.ts';
import { findMinio, startTestMinio, type TestMinio } from '../support/minio.ts';
import { eventually, onlySimulator, openProduct } from '../support/product.ts';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** A page of another origin, as an application has it. */
async function appOrigin(): Promise<string> {
  const server = createServer((_req, res) => {
    res.setHeader('content-type', 'text/html').end('<!doctype html><title>app</title>');
  });
  const { url } = await listen(server, { host: '127.0.0.1', port: 0 });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return url;
}

/** Runs in the page: makes a picture, announces it, and sends it where it may. */
async function uploadFromPage(gateway: string) {
  const canvas = new OffscreenCanvas(96, 64);
  const context = canvas.getContext('2d');
  if (!context) throw new Error('no canvas');
  context.fillStyle = 'teal';
  context.fillRect(10, 10, 40, 40);
  const blob = await canvas.convertToBlob({ type: 'image/png' });
  const query = `mutation($input: CreateUploadInput!) {
    createUpload(input: $input) { id method url headers expiresAt } }`;
  const input = { filename: 'teal.png', contentType: blob.type, size: blob.size };
  const announced = await fetch(`${gateway}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables: { input } }),
  });
  const { id, method, url, headers } = (await announced.json()).data.createUpload;
  const statuses: (number | string)[] = [];
  for (const body of [blob.slice(1, undefined, blob.type), blob, blob]) {
    const answer = await fetch(url, { method, headers, body }).catch((error) => String(error));
    statuses.push(typeof answer === 'string' ? answer : answer.status);
  }
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', await blob.arrayBuffer()));
  const sha256 = [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return { id: String(id), url: String(url), statuses, sha256 };
}

const GENERATE = `mutation($input: GenerateInput!) { generate(input: $input) { job { id } } }`;
const generatedSchema = z.object({ generate: z.object({ job: z.object({ id: z.string() }) }) });
const generate = (image: { upload: string } | { url: string }) => ({
  input: { idempotencyKey: crypto.randomUUID(), workflow: { imageToImage: { prompt: 'a boat', image, steps: 2 } } },
});

const HAS_MINIO = findMinio() !== null;
const STORAGES = [
  { storage: 'the folder', skipped: false },
  { storage: 'S3', skipped: !HAS_MINIO },
  { storage: 'S3 through the gateway', skipped: !HAS_MINIO },
];

describe.skipIf(!existsSync(CHROMIUM))('a page sends a picture and has it worked on', { timeout: 240_000 }, () => {
  let browser: Browser;
  let minio: TestMinio | undefined;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
    if (HAS_MINIO) minio = await startTestMinio();
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await minio?.close();
  });

  for (const { storage, skipped } of STORAGES)
    test.skipIf(skipped)(`through ${storage}`, async () => {
      const app = await appOrigin();
      const port = await freePort();
      const product = await openProduct(
        { onTestFinished },
        {
          ...(storage !== 'the folder' && minio && { minio }),
          env: { ALLOWED_ORIGINS: app, ...(storage !== 'the folder' && { S3_BUCKET: `b${port}` }) },
        },
      );
      const own = `http://127.0.0.1:${port}`;
      await product.both({
        PORT: String(port),
        ...(storage === 'S3 through the gateway' && { PUBLIC_URL: own, S3_PUBLIC_ENDPOINT: own }),
      });

      const client = createGatewayClient(own, []);
      const page = await browser.newPage();
      onTestFinished(() => page.close());
      await page.goto(app);
      const sent = await page.evaluate(uploadFromPage, client.url);
      const [cutOff, whole, again] = sent.statuses;
      expect([400, 403]).toContain(cutOff);
      // The folder compares; S3 says that a file is there.
      expect([whole, again]).toEqual([200, { 'the folder': 200, S3: 412, 'S3 through the gateway': 409 }[storage]]);
      const expectedOrigin = storage === 'S3' ? minio?.endpoint : own;
      expect(new URL(sent.url).origin).toBe(expectedOrigin);

      const { data } = await client.post(GENERATE, generate({ upload: sent.id }));
      const { id } = generatedSchema.parse(data).generate.job;
      await eventually(async () => (await client.job(id))?.status === 'SUCCEEDED', 'the job is done');
      const query = `filename=${sent.sha256}.png&subfolder=comfygate&type=input`;
      const input = await fetch(`${onlySimulator(product).url}/view?${query}`);
      expect([input.status, input.headers.get('content-type')]).toEqual([200, 'image/png']);

      const refused = [
        [{ upload: crypto.randomUUID() }, 'upload'],
        [{ url: 'https://169.254.169.254/latest/meta-data/' }, 'url'],
        [{ url: 'http://example.com/a.png' }, 'url'],
      ] as const;
      for (const [image, field] of refused) {
        const { errors } = await client.post(GENERATE, generate(image));
        expect(errors[0]?.extensions).toMatchObject({
          code: 'BAD_USER_INPUT',
          issues: [{ path: ['input', 'workflow', 'imageToImage', 'image', field] }],
        });
      }
    });
});
