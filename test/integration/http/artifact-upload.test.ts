import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { type ClientRequest, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test, vi } from 'vitest';
import { StorageError } from '../../../src/artifacts/artifact-store.ts';
import { createFolderStore } from '../../../src/artifacts/folder/folder.ts';
import { collectingFolder } from '../../../src/artifacts/folder/folder-object.ts';
import { uploadKey } from '../../../src/artifacts/keys.ts';
import { ARTIFACTS_PATH } from '../../../src/artifacts/signed-query.ts';
import { type ArtifactUploadOptions, createArtifactUpload } from '../../../src/http/files/artifact-upload.ts';
import type { HttpServerOptions } from '../../../src/http/server.ts';
import { startTestServer } from '../../support/http-server.ts';

const bytes = new Uint8Array(randomBytes(200_000));
const signingSecret = 'a secret of this test and of no other';
const type = { 'Content-Type': 'image/png' };

/** The real server over the folder driver, and addresses of it. */
async function open(
  { folder: given, ...options }: Partial<ArtifactUploadOptions> & { folder?: string } = {},
  http: Pick<HttpServerOptions, 'timeouts'> & { allowedOrigins?: string[] } = {},
) {
  const folder = given ?? (await mkdtemp(join(tmpdir(), 'comfygate-upload-')));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const store = (publicUrl: string) => createFolderStore({ folder, publicUrl, signingSecret, now: Date.now });
  const artifacts = store('');
  const collectIn = (key: string) => collectingFolder(folder, key);
  const serve = createArtifactUpload({ artifacts, signingSecret, collectIn, now: Date.now, ...options });
  const { server, lines } = await startTestServer({ artifacts: { path: ARTIFACTS_PATH, serve }, ...http });
  const at = store(server.url);
  return {
    server,
    lines,
    folder,
    artifacts,
    async address(sizeBytes = bytes.length) {
      const key = uploadKey(randomUUID());
      const { url } = await at.uploadUrl(key, { contentType: 'image/png', sizeBytes, expiresInSeconds: 60 });
      return { key, url };
    },
    /** All that lies beside objects. */
    leftovers: async () => (await readdir(join(folder, 'uploads')).catch(() => [])).filter((name) => name[0] === '.'),
  };
}

const putFile = (url: string, headers: Record<string, string> = {}, body = bytes) =>
  fetch(url, { method: 'PUT', headers: { ...type, ...headers }, body });

/** A PUT whose body is sent by hand. */
function putByHand(
  url: string,
  length: number,
): { req: ClientRequest; answer: Promise<{ status: number | undefined }> } {
  const req = request(url, { method: 'PUT', headers: { ...type, 'Content-Length': length } });
  req.on('error', () => undefined);
  const answer = once(req, 'response').then(async ([res]) => {
    await text(res).catch(() => '');
    return { status: res.statusCode };
  });
  answer.catch(() => undefined);
  return { req, answer };
}

test('a page of a listed origin may put a file, any other may not', async () => {
  const { address } = await open({}, { allowedOrigins: ['https://app.example'] });
  const { url } = await address();
  const preflight = (origin: string) =>
    fetch(url, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'PUT', 'access-control-request-headers': 'content-type' },
    });
  const allowed = await preflight('https://app.example');
  expect(allowed.status).toBe(204);
  expect(allowed.headers.get('access-control-allow-origin')).toBe('https://app.example');
  expect(allowed.headers.get('access-control-allow-methods')).toBe('PUT');
  expect(allowed.headers.get('access-control-allow-headers')).toMatch(/Content-Type/);
  const foreign = await preflight('https://evil.example');
  expect(foreign.status).toBe(403);
  expect(foreign.headers.get('access-control-allow-origin')).toBeNull();

  expect((await putFile(url, { origin: 'https://evil.example' })).status).toBe(403);
  const answer = await putFile(url, { origin: 'https://app.example' });
  expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([200, 'https://app.example']);
  expect((await putFile(url, { origin: new URL(url).origin })).status).toBe(200);
});

test('a foreign Host is refused: a name that leads here is DNS rebinding', async () => {
  const { address } = await open();
  const { req, answer } = putByHand((await address()).url, bytes.length);
  req.setHeader('Host', 'evil.example');
  req.end(bytes);
  expect((await answer).status).toBe(421);
});

test('what was put stays: the same bytes again are fine, other ones are not', async () => {
  const { address, artifacts, leftovers } = await open();
  const { key, url } = await address();
  expect((await putFile(url)).status).toBe(200);
  const before = await artifacts.head(key);
  expect((await putFile(url)).status).toBe(200);
  expect((await putFile(url, {}, new Uint8Array(randomBytes(bytes.length)))).status).toBe(409);
  expect(await artifacts.head(key)).toEqual(before);
  // The object's own description.
  expect(await leftovers()).toEqual([expect.stringMatching(/^\.[^.]+\.json$/)]);
});

test('a path that leads elsewhere is no address', async () => {
  const { address } = await open();
  const { url, key } = await address();
  for (const other of ['../../etc/x', 'uploads/../uploads/x', `${key}/x`, `%2e%2e/${key}`, `${key}%00`, '']) {
    const { req, answer } = putByHand(url, bytes.length);
    req.path = req.path.replace(key, other);
    req.end(bytes);
    expect([other, (await answer).status]).toEqual([other, 403]);
  }
});

test('a body that stops, or crawls, is given up, and nothing of it stays', async () => {
  const slow = await open({ idleTimeoutMs: 150 });
  const { key, url } = await slow.address();
  const stopped = putByHand(url, bytes.length);
  stopped.req.write(bytes.subarray(0, 1000));
  expect((await stopped.answer).status).toBe(408);
  await vi.waitFor(async () => expect(await slow.leftovers()).toEqual([]));
  expect(await slow.artifacts.head(key)).toBeNull();
  // By a server that does not give up a test which is held up.
  const { server } = await open({ folder: slow.folder });
  expect((await putFile(url.replace(slow.server.url, server.url))).status).toBe(200);

  const crawl = await open({ timeoutMs: 300 });
  const { req, answer } = putByHand((await crawl.address()).url, bytes.length);
  const drip = setInterval(() => req.write('x'), 50);
  expect((await answer).status).toBe(408);
  clearInterval(drip);
});

test('a slow body that goes on is taken, however long it is as a whole', async () => {
  // Longer than a busy machine holds up a byte.
  const idleTimeoutMs = 3_000;
  const { address } = await open({ idleTimeoutMs });
  const { req, answer } = putByHand((await address(12)).url, 12);
  const began = performance.now();
  let left = 12;
  const drip = setInterval(() => {
    req.write('x');
    if (--left === 0) clearInterval(drip);
  }, 300);
  expect((await answer).status).toBe(200);
  expect(performance.now() - began).toBeGreaterThan(idleTimeoutMs);
});

test('a file may take longer than a question', async () => {
  const { address, server } = await open({}, { timeouts: { headersMs: 100, requestMs: 100 } });
  const { req, answer } = putByHand((await address(4)).url, 4);
  const question = request({ port: server.port, path: '/graphql', method: 'POST', headers: { 'content-length': 9 } });
  question.write('{');
  req.write('ab');
  // Given up by then; the file is not.
  const [refused] = await once(question, 'response');
  expect(refused.statusCode).toBe(415);
  const idle = request({ port: server.port, path: '/elsewhere', method: 'PUT', headers: { 'content-length': 9 } });
  idle.on('error', () => undefined);
  idle.write('{');
  await once(idle, 'close');
  req.end('cd');
  expect((await answer).status).toBe(200);
});

test('a client that leaves in the middle leaves nothing behind', async () => {
  const { address, artifacts, leftovers, lines } = await open();
  const { key, url } = await address();
  const { req } = putByHand(url, bytes.length);
  req.write(bytes.subarray(0, 100_000));
  await vi.waitFor(async () => expect(await leftovers()).toHaveLength(1));
  req.destroy();
  await vi.waitFor(async () => expect(await leftovers()).toEqual([]));
  expect(await artifacts.head(key)).toBeNull();
  expect(lines).toEqual([]);
});

test('more at once than it takes are told to come again', async () => {
  const { address, leftovers } = await open({ maxAtOnce: 1 });
  const first = await address();
  const { req, answer } = putByHand(first.url, bytes.length);
  req.write(bytes.subarray(0, 1000));
  const second = await address();
  await vi.waitFor(async () => expect(await leftovers()).toHaveLength(1));
  const busy = await putFile(second.url);
  expect([busy.status, busy.headers.get('retry-after')]).toEqual([503, '5']);
  req.end(bytes.subarray(1000));
  expect((await answer).status).toBe(200);
  expect((await putFile(second.url)).status).toBe(200);
});

test('storage that is full or does not work is said, in our own words', async () => {
  for (const [reason, status] of [['full', 507] as const, ['unavailable', 503] as const]) {
    const put = async () => Promise.reject(new StorageError(reason, 'of /secret/path'));
    const { address, leftovers } = await open({ artifacts: { put, head: async () => null } });
    const answer = await putFile((await address()).url);
    expect([answer.status, (await answer.text()).includes('secret')]).toEqual([status, false]);
    expect(await leftovers()).toEqual([]);
  }
});
