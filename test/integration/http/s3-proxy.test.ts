import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { artifactKey, uploadKey } from '../../../src/artifacts/keys.ts';
import { createS3Store } from '../../../src/artifacts/s3/s3.ts';
import { createS3Proxy } from '../../../src/http/files/s3-proxy.ts';
import { createUploadGate } from '../../../src/http/files/upload-gate.ts';
import { listen } from '../../support/listen.ts';
import { findMinio, startTestMinio, type TestMinio } from '../../support/minio.ts';

const BUCKET = 'pictures';
const content = new Uint8Array(randomBytes(3_000_000));

/** A gateway's origin that passes on to `endpoint`. */
async function proxy(endpoint: string, publicEndpoint: string, idleTimeoutMs?: number): Promise<string> {
  const handle = createS3Proxy({
    endpoint,
    publicEndpoint,
    bucket: BUCKET,
    ...(idleTimeoutMs && { idleTimeoutMs }),
  });
  return listen((req, res) => {
    void handle(req, res).then((taken) => taken || res.writeHead(404, { 'x-taken': 'no' }).end());
  });
}

const PUBLIC = 'http://public.example:4000';
const present = artifactKey('0190c7a0-0000-7000-8000-000000000000', 1, 0, 'png');
const absent = artifactKey('0190c7a0-0000-7000-8000-000000000001', 1, 0, 'png');

describe.skipIf(findMinio() === null)('with a real MinIO that only the gateway reaches', () => {
  let minio: TestMinio;
  beforeAll(async () => {
    minio = await startTestMinio();
    await minio.admin.makeBucket(BUCKET, minio.region);
    await minio.admin.putObject(BUCKET, present, Buffer.from(content), content.length, { 'Content-Type': 'image/png' });
  });
  afterAll(() => minio.close());

  /** The address that the product signs, asked of `origin`, where PUBLIC's name would lead. */
  async function signed(origin: string, key: string, download = false): Promise<string> {
    const store = createS3Store({ ...minio, publicEndpoint: PUBLIC, bucket: BUCKET, now: Date.now });
    onTestFinished(() => store.close());
    const options = { filename: 'a "b".png', contentType: 'image/png', expiresInSeconds: 60, download };
    return (await store.url(key, options)).replace(PUBLIC, origin);
  }

  test('a signed address gives the file, whole, in part and not again', async () => {
    const origin = await proxy(minio.endpoint, PUBLIC);
    const url = await signed(origin, present);
    const whole = await fetch(url, { headers: { cookie: 'a=b', authorization: 'Bearer of-the-gateway' } });
    expect(whole.status).toBe(200);
    expect(whole.headers.get('content-type')).toBe('image/png');
    expect(whole.headers.get('x-content-type-options')).toBe('nosniff');
    expect([...whole.headers.keys()].filter((name) => name.startsWith('x-amz') || name === 'server')).toEqual([]);
    expect(Buffer.from(await whole.arrayBuffer()).equals(Buffer.from(content))).toBe(true);

    const part = await fetch(url, { headers: { range: 'bytes=100-199' } });
    expect(part.status).toBe(206);
    expect(part.headers.get('content-range')).toBe(`bytes 100-199/${content.length}`);
    expect(Buffer.from(await part.arrayBuffer()).equals(content.subarray(100, 200))).toBe(true);
    expect((await fetch(url, { headers: { 'if-none-match': whole.headers.get('etag') ?? '' } })).status).toBe(304);
    expect((await fetch(url, { headers: { range: `bytes=${content.length}-` } })).status).toBe(416);

    const saved = await fetch(await signed(origin, present, true), { headers: { range: 'bytes=0-0' } });
    expect(saved.headers.get('content-disposition')).toMatch(/^attachment;/);
  });

  test('anything else is refused, in our own words', async () => {
    const origin = await proxy(minio.endpoint, PUBLIC);
    const url = await signed(origin, present);
    const answers = await Promise.all([
      fetch(url.replace(/Signature=./, (begin) => `${begin.slice(0, -1)}${begin.endsWith('0') ? '1' : '0'}`)),
      fetch(url.replace(present, absent)),
      fetch(await signed(origin, absent)),
      fetch(`${origin}/${BUCKET}/${present}`),
      fetch(`${origin}/${BUCKET}/?list-type=2`),
      fetch(url, { method: 'PUT', body: 'x' }),
      fetch(url, { method: 'DELETE' }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([403, 403, 404, 403, 403, 403, 405]);
    for (const answer of answers) expect(await answer.text()).not.toMatch(/<|minio|Request/i);
    const elsewhere = await fetch(`${origin}/minio/health/live`);
    expect(elsewhere.headers.get('x-taken')).toBe('no');
  });

  test('a file is put to a signed address, of the announced size and type and no other', async () => {
    const origin = await proxy(minio.endpoint, PUBLIC);
    const store = createS3Store({ ...minio, publicEndpoint: PUBLIC, bucket: BUCKET, now: Date.now });
    onTestFinished(() => store.close());
    const key = uploadKey('1');
    const announced = { contentType: 'image/png', sizeBytes: content.length, expiresInSeconds: 60 };
    const address = await store.uploadUrl(key, announced);
    const url = address.url.replace(PUBLIC, origin);
    const put = (body: Uint8Array<ArrayBuffer>, headers = address.headers) =>
      fetch(url, { method: 'PUT', headers, body });

    const refused = await Promise.all([
      put(content.subarray(1)),
      put(new Uint8Array(30_000_000)),
      put(content, { ...address.headers, 'Content-Type': 'text/html' }),
    ]);
    expect(refused.map(({ status }) => status)).toEqual([403, 403, 403]);
    for (const answer of refused) expect(await answer.text()).not.toMatch(/<|minio|Request/i);
    const chunked = request(url, { method: 'PUT', headers: { ...address.headers, 'Transfer-Encoding': 'chunked' } });
    chunked.end(content);
    const [{ statusCode }] = await once(chunked, 'response');
    expect(statusCode).toBe(411);
    expect(await store.head(key)).toBeNull();
    expect((await put(content)).status).toBe(200);
    expect((await put(content)).status).toBe(409);
    expect(await store.head(key)).toMatchObject({ sizeBytes: content.length });
  });
});

const SIGNED = `/${BUCKET}/a?X-Amz-Signature=${'0'.repeat(64)}`;

test('storage that is away is said, and one that breaks off does not make half a file whole', async () => {
  const away = await proxy('http://127.0.0.1:9', PUBLIC);
  expect((await fetch(`${away}${SIGNED}`)).status).toBe(502);

  const breaking = await listen((_, res) => {
    res.writeHead(200, { 'content-length': 1000 }).write('half', () => res.destroy());
  });
  const answer = await fetch(`${await proxy(breaking, PUBLIC)}${SIGNED}`);
  await expect(answer.text()).rejects.toThrow();
});

test('storage that is away or breaks off in the middle of a file is said', async () => {
  const put = (origin: string) => fetch(`${origin}${SIGNED}`, { method: 'PUT', body: content });
  expect((await put(await proxy('http://127.0.0.1:9', PUBLIC))).status).toBe(502);
  const breaking = await listen((req) => void req.once('data', () => req.destroy()));
  expect((await put(await proxy(breaking, PUBLIC))).status).toBe(502);
  const full = await listen((req, res) =>
    req.resume().once('end', () => res.writeHead(507).end('<Error>disk</Error>')),
  );
  expect((await put(await proxy(full, PUBLIC))).status).toBe(507);
});

test('storage that is silent is given up', async () => {
  const silent = await listen(() => undefined);
  expect((await fetch(`${await proxy(silent, PUBLIC, 100)}${SIGNED}`)).status).toBe(502);
});

test('a client that leaves ends the request to storage, too', async () => {
  const asked = Promise.withResolvers<void>();
  const left = Promise.withResolvers<void>();
  const endless = await listen((req, res) => {
    req.socket.once('close', () => left.resolve());
    res.writeHead(200, { 'content-type': 'image/png' }).write('begin');
    asked.resolve();
  });
  const url = `${await proxy(endless, PUBLIC)}${SIGNED}`;
  const leave = new AbortController();
  const answer = await fetch(url, { signal: leave.signal });
  await asked.promise;
  leave.abort();
  await expect(answer.text()).rejects.toThrow();
  await left.promise;
});

test('B06 a file that is passed on too slowly is given up with 408, and storage is let go', async () => {
  const left = Promise.withResolvers<void>();
  const endpoint = await listen(
    (req) =>
      void req
        .on('error', () => undefined)
        .on('close', left.resolve)
        .resume(),
  );
  const gate = createUploadGate({ windowMs: 300, ofClient: 1 });
  const handle = createS3Proxy({ endpoint, publicEndpoint: PUBLIC, bucket: BUCKET, gate });
  const origin = await listen((req, res) => void handle(req, res));
  const slow = request(`${origin}${SIGNED}`, { method: 'PUT', headers: { 'Content-Length': 1_000 } });
  slow.on('error', () => undefined).write('x');
  const told = once(slow, 'response');
  await expect.poll(async () => (await fetch(`${origin}${SIGNED}`, { method: 'PUT', body: 'x' })).status).toBe(429);
  const [{ statusCode }] = await told;
  expect(statusCode).toBe(408);
  await left.promise;
});
