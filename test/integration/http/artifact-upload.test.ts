import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { type ClientRequest, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test, vi } from 'vitest';
import { StorageError } from '../../../src/artifacts/artifact-store.ts';
import { createFolderStore } from '../../../src/artifacts/folder/folder.ts';
import { createUploadFolder } from '../../../src/artifacts/folder/upload-folder.ts';
import { uploadKey } from '../../../src/artifacts/keys.ts';
import { ARTIFACTS_PATH } from '../../../src/artifacts/signed-query.ts';
import { type ArtifactUploadOptions, createArtifactUpload } from '../../../src/http/files/artifact-upload.ts';
import { createUploadGate } from '../../../src/http/files/upload-gate.ts';
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
  const uploads = createUploadFolder(folder);
  const serve = createArtifactUpload({ uploads, signingSecret, now: Date.now, ...options });
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
  const slow = await open({ gate: createUploadGate({ windowMs: 150 }) });
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
  const windowMs = 1_000;
  const { address } = await open({ gate: createUploadGate({ windowMs, leastBytesPerSecond: 1 }) });
  const { req, answer } = putByHand((await address(12)).url, 12);
  const began = performance.now();
  let left = 12;
  const drip = setInterval(() => {
    req.write('x');
    if (--left === 0) clearInterval(drip);
  }, 300);
  expect((await answer).status).toBe(200);
  expect(performance.now() - began).toBeGreaterThan(windowMs);
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
  const gate = createUploadGate({ ofAll: 1 });
  const { address, leftovers } = await open({ gate });
  const first = await address();
  const { req, answer } = putByHand(first.url, bytes.length);
  req.write(bytes.subarray(0, 1000));
  const second = await address();
  await vi.waitFor(async () => expect(await leftovers()).toHaveLength(1));
  const busy = await putFile(second.url);
  expect([busy.status, busy.headers.get('retry-after')]).toEqual([503, '5']);
  expect(gate.use()).toEqual({ taken: 1, most: 1, refusals: 1 });
  req.end(bytes.subarray(1000));
  expect((await answer).status).toBe(200);
  expect((await putFile(second.url)).status).toBe(200);
});

test('storage that is full or does not work is said, in our own words', async () => {
  for (const [reason, status] of [['full', 507] as const, ['unavailable', 503] as const]) {
    const folder = await mkdtemp(join(tmpdir(), 'comfygate-upload-'));
    const { collectIn } = createUploadFolder(folder);
    const putOnce = async () => Promise.reject(new StorageError(reason, 'of /secret/path'));
    const { address, leftovers } = await open({ folder, uploads: { collectIn, putOnce } });
    const answer = await putFile((await address()).url);
    expect([answer.status, (await answer.text()).includes('secret')]).toEqual([status, false]);
    expect(await leftovers()).toEqual([]);
  }
});

/** A PUT from one of this machine's addresses, of which the server sees as many clients as there are. */
function putFrom(localAddress: string, url: string, length = bytes.length) {
  const req = request(url, { method: 'PUT', localAddress, headers: { ...type, 'Content-Length': length } });
  req.on('error', () => undefined);
  const status = once(req, 'response').then(([res]) => res.resume().statusCode);
  status.catch(() => undefined);
  return { req, status };
}

test('B06 a client that trickles as many files as it may keeps only itself from sending more', async () => {
  const { address, leftovers } = await open();
  for (let i = 0; i < 32; i++) {
    const { req } = putFrom('127.0.0.2', (await address()).url);
    // Some of them have announced a file and send nothing of it.
    if (i % 2 === 0) req.write('x');
    else req.flushHeaders();
    onTestFinished(() => void req.destroy());
  }
  await vi.waitFor(async () => expect(await leftovers()).toHaveLength(32));

  const own = putFrom('127.0.0.2', (await address()).url);
  own.req.end(bytes);
  expect(await own.status).toBe(429);
  const others = putFrom('127.0.0.1', (await address()).url);
  others.req.end(bytes);
  expect(await others.status).toBe(200);
});

test('B06 however many clients send as many files as they may, one more may send one', async () => {
  const { address, leftovers } = await open({ gate: createUploadGate({ ofClient: 4, ofAll: 8 }) });
  for (const from of ['127.0.0.2', '127.0.0.3']) {
    for (let i = 0; i < 4; i++) {
      const { req } = putFrom(from, (await address()).url);
      req.flushHeaders();
      onTestFinished(() => void req.destroy());
    }
  }
  // Of what the first has left, the second has half.
  await vi.waitFor(async () => expect(await leftovers()).toHaveLength(6));
  const other = putFrom('127.0.0.1', (await address()).url);
  other.req.end(bytes);
  expect(await other.status).toBe(200);
});

test('B06 a file that comes more slowly than the least rate is given up with 408, a faster one is not', async () => {
  const gate = createUploadGate({ windowMs: 500, leastBytesPerSecond: 20_000 });
  const { address, leftovers } = await open({ gate });
  const slow = putFrom('127.0.0.1', (await address()).url);
  const fast = putFrom('127.0.0.1', (await address()).url);
  const trickle = setInterval(() => {
    slow.req.write('x'.repeat(50));
    fast.req.write(bytes.subarray(0, 10_000));
  }, 50);
  const empty = putFrom('127.0.0.1', (await address()).url);
  empty.req.flushHeaders();
  onTestFinished(() => clearInterval(trickle));
  expect([await slow.status, await empty.status]).toEqual([408, 408]);
  await vi.waitFor(async () => expect(await leftovers()).toHaveLength(1));
  clearInterval(trickle);
  fast.req.destroy();
  await vi.waitFor(async () => expect(await leftovers()).toEqual([]));
});

test('B06 of two files for one address one is taken, with its own description, and the other is told', async () => {
  const { folder, artifacts, address } = await open();
  // Two gateways that share a folder: what keeps files apart is none's memory.
  const { server } = await open({ folder });
  for (let round = 0; round < 20; round++) {
    const { key, url } = await address();
    const files = [bytes, new Uint8Array(randomBytes(bytes.length))];
    const urls = [url, url.replace(/^http:\/\/[^/]+/, server.url)];
    const statuses = await Promise.all(files.map(async (body, i) => (await putFile(urls[i] ?? '', {}, body)).status));
    expect(statuses.toSorted()).toEqual([200, 409]);
    const winner = Buffer.from(files[statuses.indexOf(200)] ?? []);
    const read = await (await artifacts.read(key, { signal: AbortSignal.timeout(5_000) }))?.toArray();
    expect(Buffer.concat(read ?? []).equals(winner)).toBe(true);
    expect((await artifacts.head(key))?.sha256).toBe(createHash('sha256').update(winner).digest('hex'));
  }
});

test('B06 a file whose gateway died before its last step is finished by whoever sends the same again', async () => {
  const { address, artifacts, folder } = await open();
  const { key, url } = await address();
  expect((await putFile(url)).status).toBe(200);
  await rm(join(folder, key));
  expect(await artifacts.head(key)).toBeNull();
  expect((await putFile(url, {}, new Uint8Array(randomBytes(bytes.length)))).status).toBe(409);
  expect((await putFile(url)).status).toBe(200);
  expect(await artifacts.head(key)).toMatchObject({ sizeBytes: bytes.length });
});
