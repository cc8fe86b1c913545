import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readlink, rm, writeFile } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type ArtifactStore, StorageError } from '../../src/artifacts/artifact-store.ts';
import { createFolderStore } from '../../src/artifacts/folder/folder.ts';
import { artifactKey } from '../../src/artifacts/keys.ts';
import { createArtifactDownload } from '../../src/http/files/artifact-download.ts';
import { fuzzSeed } from '../support/mutated-json.ts';

const SECRET = 'a secret that only this test knows';

describe('artifact download', () => {
  let folder: string;
  let server: Server;
  let store: ArtifactStore;
  let now: () => number;
  let idleTimeoutMs: number | undefined;
  let failures: unknown[];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'comfygate-download-'));
    failures = [];
    now = Date.now;
    idleTimeoutMs = undefined;
    server = createServer((req, res) => {
      const limits = idleTimeoutMs === undefined ? {} : { idleTimeoutMs };
      const handle = createArtifactDownload({ artifacts: store, signingSecret: SECRET, now: () => now(), ...limits });
      handle(req, res).then(
        (handled) => handled || res.writeHead(418).end(),
        (error) => failures.push(error),
      );
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const publicUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    store = createFolderStore({ folder, publicUrl, signingSecret: SECRET, now: () => now() });
  });

  afterEach(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
    await rm(folder, { recursive: true });
    expect(failures).toEqual([]);
  });

  async function publish(bytes: Uint8Array, options: { contentType?: string; filename?: string } = {}) {
    const path = join(folder, `source-${randomUUID()}`);
    await writeFile(path, bytes);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const file = { path, sizeBytes: bytes.length, sha256, contentType: 'image/png', filename: 'a.png', ...options };
    const key = artifactKey(randomUUID(), 1, 0, 'png');
    await store.put(key, file, { signal: AbortSignal.timeout(10_000) });
    await rm(path);
    const url = await store.url(key, { ...file, expiresInSeconds: 3600, download: false });
    return { key, url, sha256 };
  }

  /** Files below the folder that this process has open. */
  async function openFiles(): Promise<string[]> {
    const descriptors = await readdir('/proc/self/fd');
    const targets = await Promise.all(descriptors.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')));
    return targets.filter((target) => target.startsWith(folder));
  }

  const bytes = randomBytes(1000);
  const body = async (response: Response) => Buffer.from(await response.arrayBuffer());

  it('leaves every other path to others', async () => {
    const { url } = await publish(bytes);
    for (const path of ['/', '/artifacts', '/graphql?x=/artifacts/', '/Artifacts/jobs/a']) {
      expect((await fetch(new URL(path, url))).status).toBe(418);
    }
    expect((await fetch(new URL('/artifacts/', url))).status).toBe(403);
  });

  it('A61 gives nothing for any other path or query, in whatever bytes', async () => {
    const { url } = await publish(bytes);
    const { pathname, search, port } = new URL(url);
    const part = fc.oneof(
      fc.constantFrom(
        '..',
        '.',
        '%2e%2e',
        '%2F',
        '%00',
        '\\\\',
        'jobs',
        'etc',
        'passwd',
        '',
        '//',
        '%ff',
        pathname,
        search,
      ),
      fc.string({ unit: 'binary-ascii', maxLength: 20 }),
    );
    const address = fc.array(part, { maxLength: 8 }).map((parts) => parts.join('/').replace(/[\s\p{Cc}]/gu, ''));
    const property = fc.asyncProperty(address, async (path) => {
      if (`/artifacts/${path}` === `${pathname}${search}`) return;
      const wire = connect(Number(port), '127.0.0.1');
      wire.end(`GET /artifacts/${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
      const answer = await text(wire);
      expect(answer).toMatch(/^HTTP\/1\.1 (?:400|403|404|414|418) /);
      expect(answer).not.toMatch(/root:|ENOENT|node_modules/);
    });
    await fc.assert(property, { seed: fuzzSeed('artifact paths'), numRuns: 150 });
  });

  it('A60 sends headers under which nothing of ours can be run', async () => {
    const { url, sha256 } = await publish(bytes);
    const { headers } = await fetch(url);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'.*sandbox$/);
    expect(headers.get('accept-ranges')).toBe('bytes');
    expect(headers.get('etag')).toBe(`"${sha256}"`);
    expect(Date.parse(headers.get('last-modified') ?? '')).toBeLessThanOrEqual(Date.now());
    const video = await fetch((await publish(bytes, { contentType: 'video/webm', filename: 'a.webm' })).url);
    expect(video.headers.get('content-security-policy')).toMatch(/; sandbox allow-same-origin$/);
    const html = await publish(bytes, { contentType: 'text/html', filename: 'a.html' });
    const page = await fetch(html.url.replace('disposition=attachment', 'disposition=inline'));
    expect(page.status).toBe(403);
  });

  it.each([
    ['bytes=0-0', 206, 'bytes 0-0/1000', [0, 1]],
    ['bytes=990-', 206, 'bytes 990-999/1000', [990, 1000]],
    ['bytes=990-5000', 206, 'bytes 990-999/1000', [990, 1000]],
    ['bytes=-10', 206, 'bytes 990-999/1000', [990, 1000]],
    ['bytes=-5000', 206, 'bytes 0-999/1000', [0, 1000]],
    ['bytes=1000-', 416, 'bytes */1000', null],
    ['bytes=-0', 416, 'bytes */1000', null],
    ['bytes=5-2', 200, null, [0, 1000]],
    ['bytes=0-1,5-6', 200, null, [0, 1000]],
    ['bytes=-', 200, null, [0, 1000]],
    ['lines=1-2', 200, null, [0, 1000]],
  ] as const)('answers %s with %i', async (range, status, contentRange, slice) => {
    const { url } = await publish(bytes);
    const response = await fetch(url, { headers: { range } });
    expect(response.status).toBe(status);
    expect(response.headers.get('content-range')).toBe(contentRange);
    const received = await body(response);
    if (slice !== null) expect(received.equals(bytes.subarray(...slice))).toBe(true);
    expect(response.headers.get('content-length')).toBe(String(received.length));
  });

  it('continues a download only where the file is still the same', async () => {
    const { url, sha256 } = await publish(bytes);
    const lastModified = (await fetch(url)).headers.get('last-modified') ?? '';
    const cases: [ifRange: string, status: number][] = [
      [`"${sha256}"`, 206],
      [lastModified, 206],
      [`W/"${sha256}"`, 200],
      ['"another"', 200],
      ['Thu, 01 Jan 1970 00:00:00 GMT', 200],
    ];
    for (const [ifRange, status] of cases) {
      const response = await fetch(url, { headers: { range: 'bytes=10-19', 'if-range': ifRange } });
      expect([ifRange, response.status]).toEqual([ifRange, status]);
      await response.arrayBuffer();
    }
  });

  it('spares a browser what it has', async () => {
    const { url, sha256 } = await publish(bytes);
    const lastModified = (await fetch(url)).headers.get('last-modified') ?? '';
    const cases: [headers: Record<string, string>, status: number][] = [
      [{ 'if-none-match': `"${sha256}"` }, 304],
      [{ 'if-none-match': `"x", W/"${sha256}"` }, 304],
      [{ 'if-none-match': '*' }, 304],
      [{ 'if-none-match': '"x"' }, 200],
      [{ 'if-none-match': '"x"', 'if-modified-since': lastModified }, 200],
      [{ 'if-modified-since': lastModified }, 304],
      [{ 'if-modified-since': 'Thu, 01 Jan 1970 00:00:00 GMT' }, 200],
      [{ 'if-modified-since': 'yesterday' }, 200],
      [{ 'if-none-match': `"${sha256}"`, range: 'bytes=0-1' }, 304],
    ];
    for (const [headers, status] of cases) {
      // Without `no-store`, fetch itself would take these headers for its own cache and change nothing else.
      const response = await fetch(url, { headers, cache: 'no-store' });
      expect([headers, response.status]).toEqual([headers, status]);
      expect((await body(response)).length).toBe(status === 304 ? 0 : 1000);
      expect(response.headers.get('etag')).toBe(`"${sha256}"`);
    }
  });

  it('answers HEAD like GET, without the body', async () => {
    // The two are of one moment: Cache-Control counts seconds.
    const moment = Date.now();
    now = () => moment;
    const { url } = await publish(bytes);
    const head = await fetch(url, { method: 'HEAD' });
    const get = await fetch(url);
    const perHop = ['date', 'connection', 'keep-alive'];
    const named = ({ headers }: Response) => [...headers].filter(([name]) => !perHop.includes(name));
    expect(head.status).toBe(200);
    expect(named(head)).toEqual(named(get));
    expect((await body(head)).length).toBe(0);
    await get.arrayBuffer();
  });

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])('refuses %s', async (method) => {
    const { key, url } = await publish(bytes);
    const response = await fetch(url, { method });
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    expect(await store.head(key)).not.toBeNull();
  });

  it('lets a browser keep a file exactly as long as its address works', async () => {
    const { url } = await publish(bytes);
    const { origin, searchParams } = new URL(url);
    const expires = Number(searchParams.get('expires'));
    now = () => expires * 1000 - 90_500;
    expect((await fetch(url)).headers.get('cache-control')).toBe('private, max-age=90, immutable');
    now = () => expires * 1000 - 1;
    expect((await fetch(url)).status).toBe(200);
    now = () => expires * 1000;
    const over = await fetch(url);
    expect([over.status, over.headers.get('cache-control')]).toEqual([403, 'no-store']);
    expect(await over.text()).not.toContain(origin);
  });

  it('A61 refuses what another secret has signed, and every spelling of a path but the signed one', async () => {
    const { key, url } = await publish(bytes);
    const stranger = createFolderStore({
      folder,
      publicUrl: new URL(url).origin,
      signingSecret: 'guess',
      now: Date.now,
    });
    const options = { filename: 'a.png', contentType: 'image/png', expiresInSeconds: 3600, download: false };
    expect((await fetch(await stranger.url(key, options))).status).toBe(403);
    const { pathname, search, hostname, port } = new URL(url);
    const spellings = [
      pathname.replace('/jobs/', '/jobs/../jobs/'),
      pathname.replace('/jobs/', '/jobs//'),
      pathname.replace('/jobs/', '/%6aobs/'),
      `${pathname}/`,
      pathname.replace('00.png', '.00.png.json'),
      '/artifacts/../../../etc/passwd',
    ];
    for (const path of spellings) {
      // Not fetch, which would tidy the path up.
      const sent = request({ hostname, port, path: path + search }).end();
      const [response] = await once(sent, 'response');
      response.resume();
      expect([path, response.statusCode]).toEqual([path, 403]);
    }
  });

  it('answers 404 once the artifact is removed', async () => {
    const { key, url } = await publish(bytes);
    await store.removePrefix(key);
    const response = await fetch(url);
    expect([response.status, response.headers.get('cache-control')]).toEqual([404, 'no-store']);
  });

  it.each(['head', 'read'] as const)(
    'answers 503 without a descriptor for %s, and 500 on a disk that fails',
    async (call) => {
      const { url } = await publish(bytes);
      const whole = store;
      const failing = (code: string) => {
        const cause = Object.assign(new Error(code), { code });
        const error = new StorageError('unavailable', 'the artifact folder does not work', { cause });
        store = { ...whole, [call]: () => Promise.reject(error) };
        return error;
      };
      failing('EMFILE');
      const busy = await fetch(url);
      expect([busy.status, busy.headers.get('cache-control'), busy.headers.get('etag')]).toEqual([
        503,
        'no-store',
        null,
      ]);
      expect(failures).toEqual([]);
      const error = failing('EIO');
      const broken = await fetch(url);
      expect([broken.status, await broken.text()]).toEqual([500, 'The file cannot be read.\n']);
      expect(failures.splice(0)).toEqual([error]);
      store = whole;
      expect((await fetch(url)).status).toBe(200);
    },
  );

  it('finishes what it sends although the artifact is removed meanwhile', async () => {
    const large = randomBytes(20_000_000);
    const { key, url } = await publish(large);
    const response = await fetch(url);
    await store.removePrefix(key);
    expect((await body(response)).equals(large)).toBe(true);
  });

  it('closes the file when the client leaves, and when it stops reading, having sent little of it', async () => {
    const { url } = await publish(randomBytes(50_000_000));
    const { hostname, port, pathname, search } = new URL(url);
    const served: Socket[] = [];
    server.on('connection', (socket) => served.push(socket));
    const get = `GET ${pathname}${search} HTTP/1.1\r\nHost: x\r\n\r\n`;
    const begin = async () => {
      const client = connect(Number(port), hostname, () => client.write(get));
      client.once('data', () => client.pause());
      await once(client, 'data');
      return client;
    };
    const leaver = await begin();
    expect((await openFiles()).length).toBe(1);
    leaver.destroy();
    await vi.waitFor(async () => expect(await openFiles()).toEqual([]), 5_000);
    idleTimeoutMs = 300;
    const idler = await begin();
    await vi.waitFor(async () => expect(await openFiles()).toEqual([]), 5_000);
    // What lies in the kernel's buffers counts as sent.
    for (const socket of served) expect(socket.bytesWritten).toBeLessThan(25_000_000);
    idler.destroy();
    idleTimeoutMs = undefined;
    await (await fetch(url)).arrayBuffer();
    await vi.waitFor(async () => expect(await openFiles()).toEqual([]), 5_000);
  });
});
