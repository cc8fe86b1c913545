import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import * as z from 'zod';
import { openProduct } from '../../support/product.ts';

const CREATE_UPLOAD = `mutation ($input: CreateUploadInput!) { createUpload(input: $input) { id url headers } }`;
const uploadSchema = z.object({
  createUpload: z.object({ id: z.string(), url: z.string(), headers: z.record(z.string(), z.string()) }),
});

const bytes = randomBytes(100_000);

/** A gateway with a folder, and PUTs to it from any of this machine's addresses. */
async function openGateway() {
  const product = await openProduct({ onTestFinished });
  const gateway = await product.gateway();

  async function announce(size = bytes.length) {
    const input = { filename: 'a.png', contentType: 'image/png', size };
    return uploadSchema.parse((await gateway.post(CREATE_UPLOAD, { input })).data).createUpload;
  }

  async function putFrom(localAddress: string) {
    const { url, headers } = await announce();
    const length = { 'Content-Length': bytes.length };
    const req = request(url, { method: 'PUT', localAddress, headers: { ...headers, ...length } });
    req.on('error', () => undefined);
    onTestFinished(() => void req.destroy());
    const status = once(req, 'response').then(([res]) => Number(res.resume().statusCode));
    status.catch(() => undefined);
    return { req, status };
  }
  return { announce, putFrom };
}

test('B06 whoever trickles 32 files blocks no one but himself', { timeout: 60_000 }, async () => {
  const { putFrom } = await openGateway();
  const slow = await Promise.all(Array.from({ length: 40 }, () => putFrom('127.0.0.2')));
  for (const { req } of slow) req.write('x');
  // Those that are one too many are answered at once.
  const refused: number[] = [];
  for (const { status } of slow) status.then((each) => refused.push(each)).catch(() => undefined);
  await expect.poll(() => refused).toEqual(Array(8).fill(429));
  const began = performance.now();
  const { req, status } = await putFrom('127.0.0.1');
  req.end(bytes);
  expect(await status).toBe(200);
  expect(performance.now() - began).toBeLessThan(5_000);
});

test('B06 of two files for one address exactly one is taken, and a job gets its bytes', {
  timeout: 60_000,
}, async () => {
  const { announce } = await openGateway();
  for (let round = 0; round < 5; round++) {
    const { url, headers } = await announce();
    const put = (body: Buffer) => fetch(url, { method: 'PUT', headers, body: new Uint8Array(body) });
    const files = [bytes, randomBytes(bytes.length), randomBytes(bytes.length)];
    const statuses = await Promise.all(files.map(async (file) => (await put(file)).status));
    expect(statuses.toSorted()).toEqual([200, 409, 409]);
    // What was taken stays taken.
    for (const [i, file] of files.entries()) expect((await put(file)).status).toBe(statuses[i]);
  }
});
