import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { ArtifactStore, FileToStore } from '../../../src/artifacts/artifact-store.ts';
import { createFolderStore } from '../../../src/artifacts/folder/folder.ts';
import { artifactKey } from '../../../src/artifacts/keys.ts';
import { createS3Store, type S3StoreOptions } from '../../../src/artifacts/s3/s3.ts';
import { createClient } from '../../../src/artifacts/s3/s3-call.ts';
import { findMinio, startTestMinio, type TestMinio } from '../../support/minio.ts';
import { mountSmallDisk } from '../../support/small-disk.ts';
import { startStopwatch } from '../../support/stopwatch.ts';

const newKey = () => artifactKey(randomUUID(), 1, 0, 'png');
const signal = () => AbortSignal.timeout(20_000);
/** Longer than a server that is busy lets others wait. */
const IDLE_MS = 1_500;

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'comfygate-faults-'));
});
afterAll(() => rm(dir, { recursive: true }));

async function source(sizeBytes: number): Promise<FileToStore> {
  const bytes = randomBytes(sizeBytes);
  const path = join(dir, randomUUID());
  await writeFile(path, bytes);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { path, sizeBytes, sha256, contentType: 'image/png', filename: 'a.png' };
}

async function listening(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** What a call failed with, and how long that took. */
async function failure(call: Promise<unknown>): Promise<{ reason: unknown; ms: number; error: unknown }> {
  const elapsed = startStopwatch();
  const error: unknown = await call.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  const reason = error instanceof Error && 'reason' in error ? error.reason : undefined;
  return { reason, ms: elapsed(), error };
}

describe.skipIf(findMinio() === null)('S3 storage that fails', () => {
  let minio: TestMinio;
  beforeAll(async () => {
    minio = await startTestMinio();
  });
  afterAll(() => minio?.close());

  let bucket: string;
  beforeEach(() => {
    bucket = `comfygate-${randomUUID()}`;
  });
  const stores: ArtifactStore[] = [];
  afterEach(() => {
    for (const store of stores.splice(0)) store.close();
  });

  function open(options: Partial<S3StoreOptions> = {}): ArtifactStore {
    const { endpoint, region, accessKey, secretKey } = minio;
    const store = createS3Store({ endpoint, region, bucket, accessKey, secretKey, now: Date.now, ...options });
    stores.push(store);
    return store;
  }

  it('makes the bucket at the first use, and again when somebody has removed it', async () => {
    const store = open();
    expect(await store.head(newKey())).toBeNull();
    await store.removePrefix('jobs/');
    expect(await minio.admin.bucketExists(bucket)).toBe(false);
    await Promise.all([1, 2, 3].map(async () => store.put(newKey(), await source(10), { signal: signal() })));
    await store.removePrefix('jobs/');
    await minio.admin.removeBucket(bucket);
    const key = newKey();
    await store.put(key, await source(1_000_000), { signal: signal() });
    expect(await store.head(key)).toMatchObject({ sizeBytes: 1_000_000 });
    await store.removePrefix('jobs/');
    await minio.admin.removeBucket(bucket);
    await store.check({ signal: signal() });
    expect(await minio.admin.bucketExists(bucket)).toBe(true);
  });

  it('C18 says unavailable at once while the server is down, and works again when it is back', async () => {
    const store = open();
    const file = await source(300_000);
    await store.put(newKey(), file, { signal: signal() });
    await minio.kill();
    const calls = [
      () => store.put(newKey(), file, { signal: signal() }),
      () => store.head(newKey()),
      () => store.removePrefix('jobs/'),
      () => store.check({ signal: signal() }),
      () => open().put(newKey(), file, { signal: signal() }),
    ];
    for (const call of calls) {
      const { reason, ms } = await failure(call());
      expect(reason).toBe('unavailable');
      expect(ms).toBeLessThan(2_000);
    }
    await minio.restart();
    const key = newKey();
    await store.put(key, file, { signal: signal() });
    expect(await store.head(key)).toMatchObject({ sha256: file.sha256 });
  });

  it('C18 never takes a read that was cut off, or went silent, for the end of the object', async () => {
    const store = open({ timeouts: { idleMs: IDLE_MS } });
    const key = newKey();
    await open().put(key, await source(30_000_000), { signal: signal() });
    for (const disturb of [() => minio.pause(), () => minio.kill()]) {
      const body = await store.read(key, { signal: signal() });
      if (body === null) throw new Error('nothing is stored');
      await once(body, 'readable');
      await disturb();
      const { reason, ms } = await failure(body.toArray());
      minio.resume();
      expect(reason).toBe('unavailable');
      expect(ms).toBeLessThan(3_000);
    }
    await minio.restart();
  });

  it('C18 does not stumble over connections that a restarted server has forgotten', async () => {
    const store = open();
    const file = await source(10);
    await Promise.all(Array.from({ length: 4 }, () => store.put(newKey(), file, { signal: signal() })));
    await minio.restart();
    await Promise.all(Array.from({ length: 4 }, () => store.put(newKey(), file, { signal: signal() })));
  });

  it('C18 gives a silent server up, or leaves it to the caller to', async () => {
    const store = open({ timeouts: { idleMs: IDLE_MS } });
    const patient = open();
    const file = await source(300_000);
    await store.check({ signal: signal() });
    await patient.check({ signal: signal() });
    minio.pause();
    onTestFinished(() => minio.resume());
    for (const call of [() => store.put(newKey(), file, { signal: signal() }), () => store.head(newKey())]) {
      const { reason, ms } = await failure(call());
      expect(reason).toBe('unavailable');
      expect(ms).toBeLessThan(3_000);
    }
    const abort = new AbortController();
    const put = failure(patient.put(newKey(), file, { signal: abort.signal }));
    const why = new Error('lease lost');
    const sinceAbort = startStopwatch();
    abort.abort(why);
    expect((await put).error).toBe(why);
    expect(sinceAbort()).toBeLessThan(200);
    minio.resume();
    await store.put(newKey(), file, { signal: signal() });
  });

  it('C18 says denied when the credentials are wrong', async () => {
    for (const wrong of [{ secretKey: 'not-the-secret' }, { accessKey: 'nobody-known' }]) {
      const store = open(wrong);
      expect((await failure(store.check({ signal: signal() }))).reason).toBe('denied');
      expect((await failure(store.put(newKey(), await source(10), { signal: signal() }))).reason).toBe('denied');
    }
  });

  /** A TCP proxy in front of MinIO; `limit` bytes of each connection's upload get through. */
  async function proxy(onUpload: (chunk: Buffer, client: Socket, upstream: Socket) => void): Promise<string> {
    const sockets = new Set<Socket>();
    const server = createServer((client) => {
      const upstream = connect(minio.port, '127.0.0.1');
      for (const socket of [client, upstream]) {
        sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => {
          sockets.delete(socket);
          client.destroy();
          upstream.destroy();
        });
      }
      upstream.pipe(client);
      client.on('data', (chunk) => onUpload(Buffer.from(chunk), client, upstream));
    });
    const endpoint = await listening(server);
    onTestFinished(() => {
      server.close();
      for (const socket of sockets) socket.destroy();
    });
    return endpoint;
  }

  it('C18 stores nothing when the connection is reset in the middle, and all of it at the next attempt', async () => {
    let cut = true;
    let passed = 0;
    const endpoint = await proxy((chunk, client, upstream) => {
      passed += chunk.length;
      if (cut && passed > 2_000_000) client.resetAndDestroy();
      else upstream.write(chunk);
    });
    const store = open({ endpoint });
    const file = await source(8_000_000);
    const key = newKey();
    expect((await failure(store.put(key, file, { signal: signal() }))).reason).toBe('unavailable');
    expect(passed).toBeLessThan(file.sizeBytes);
    cut = false;
    expect(await store.head(key)).toBeNull();
    await store.put(key, file, { signal: signal() });
    expect(await store.head(key)).toMatchObject({ sizeBytes: file.sizeBytes, sha256: file.sha256 });
  });

  it('C18 gives up an upload that goes on, but at a crawl', async () => {
    const timers = new Set<NodeJS.Timeout>();
    onTestFinished(() => timers.forEach(clearTimeout));
    const endpoint = await proxy((chunk, client, upstream) => {
      upstream.write(chunk);
      client.pause();
      timers.add(setTimeout(() => client.resume(), 100));
    });
    const store = open({ endpoint, timeouts: { callMs: 500, idleMs: 400, minBytesPerSecond: 100_000_000 } });
    await open().check({ signal: signal() });
    const { reason, ms } = await failure(store.put(newKey(), await source(30_000_000), { signal: signal() }));
    expect(reason).toBe('unavailable');
    expect(ms).toBeLessThan(3_000);
  });

  it('notices when a byte was changed on the way', async () => {
    let seen = 0;
    const endpoint = await proxy((chunk, _client, upstream) => {
      seen += chunk.length;
      if (seen > 500_000) chunk[chunk.length - 1] = (chunk.at(-1) ?? 0) ^ 1;
      upstream.write(chunk);
    });
    const store = open({ endpoint });
    await store.check({ signal: signal() });
    const key = newKey();
    expect((await failure(store.put(key, await source(600_000), { signal: signal() }))).error).toBeInstanceOf(Error);
    expect(await open().head(key)).toBeNull();
  });

  it('signs for the public endpoint, for 7 days at most', async () => {
    const store = open({ publicEndpoint: 'https://files.example.org' });
    const options = { filename: 'a.png', contentType: 'image/png', expiresInSeconds: 1e9, download: false };
    const address = new URL(await store.url('jobs/a/1/00.png', options));
    expect(address.origin).toBe('https://files.example.org');
    expect(address.pathname).toBe(`/${bucket}/jobs/a/1/00.png`);
    expect(address.searchParams.get('X-Amz-Expires')).toBe('604800');
    expect(() => open({ publicEndpoint: 'https://example.org/files' })).toThrow('without a path');
  });
});

describe('S3 answers that only a fault gives', () => {
  /** An S3 server whose bucket is there and whose PUT answers as told, without reading the body. */
  const faulty = (put: RequestListener) =>
    serving((req, res) => (req.method === 'PUT' ? put(req, res) : res.setHeader('content-length', 0).end()));

  async function serving(onRequest: RequestListener): Promise<ArtifactStore> {
    const server = createHttpServer();
    server.on('request', onRequest).on('checkContinue', onRequest);
    const endpoint = await listening(server);
    const store = createS3Store({
      endpoint,
      region: 'r',
      bucket: 'bucket',
      accessKey: 'a',
      secretKey: 's',
      now: Date.now,
    });
    onTestFinished(() => {
      store.close();
      server.closeAllConnections();
      server.close();
    });
    return store;
  }
  const xml = (code: string) => `<?xml version="1.0"?><Error><Code>${code}</Code><Message>m</Message></Error>`;

  it.each([
    [507, xml('XMinioStorageFull'), 'full'],
    [507, '', 'full'],
    [400, xml('XMinioAdminBucketQuotaExceeded'), 'full'],
    [503, xml('SlowDown'), 'unavailable'],
    [500, '', 'unavailable'],
    [502, '<html>bad gateway</html>', 'unavailable'],
    [403, xml('AccessDenied'), 'denied'],
    [403, '<html>go away</html>', 'denied'],
    [400, xml('EntityTooLarge'), 'refused'],
    [200, '', 'mismatch'],
  ])('C05 takes %i %s for %s, whatever the size of the file', async (status, body, expected) => {
    const store = await faulty((req, res) => {
      // Like Go's server: it answers without the body, and reads a little of it before it closes.
      if (status === 200) req.resume();
      res.writeHead(status, { connection: 'close' }).end(body);
    });
    for (const size of [0, 10, 20_000_000]) {
      const { reason, ms } = await failure(store.put(newKey(), await source(size), { signal: signal() }));
      expect([size, reason]).toEqual([size, expected]);
      expect(ms).toBeLessThan(3_000);
    }
  });

  it('refuses a part of an object from a server that sends all of it, whose connection is free again', async () => {
    const store = await serving((_req, res) => {
      res.writeHead(200, { 'content-length': 1_000_000_000, 'last-modified': new Date(0).toUTCString() });
      res.write(Buffer.alloc(1_000_000));
    });
    const range = { start: 10, end: 19 };
    // One more than the connections that there are.
    for (let i = 0; i < 65; i++) {
      expect((await failure(store.read(newKey(), { range, signal: signal() }))).reason).toBe('refused');
    }
  });

  it('sends once more what met a kept connection that the server was just closing', async () => {
    const used = new Set<unknown>();
    let resets = 0;
    const store = await serving((req, res) => {
      if (used.has(req.socket)) {
        resets++;
        req.socket.resetAndDestroy();
        return;
      }
      req.resume();
      req.on('end', () => {
        used.add(req.socket);
        res.setHeader('content-length', 0).end();
      });
    });
    const file = await source(10);
    // The object is not kept, so that each of them ends where the write is over and is looked at.
    for (let round = 0; round < 3; round++) {
      expect((await failure(store.put(newKey(), file, { signal: signal() }))).reason).toBe('mismatch');
    }
    expect(resets).toBeGreaterThan(0);
  });

  it('does not wait for an answer that breaks off', async () => {
    const store = await faulty((req, res) => {
      req.resume();
      res.writeHead(200, { 'content-length': 100 }).write('half');
      setImmediate(() => res.destroy());
    });
    expect((await failure(store.put(newKey(), await source(10), { signal: signal() }))).reason).toBe('unavailable');
  });
});

it('announces the SHA-256 of the body to the server, over TLS too', async () => {
  const headers: unknown[] = [];
  const capture = (target: unknown): never => {
    headers.push(target instanceof Object && 'headers' in target ? target.headers : undefined);
    throw new Error('captured');
  };
  for (const endpoint of ['http://example.org', 'https://example.org', 'https://[::1]:9000']) {
    const client = createClient({ endpoint, region: 'r', accessKey: 'a', secretKey: 's' }, { request: capture });
    const sha256 = createHash('sha256').update('body').digest('hex');
    const options = { method: 'PUT', bucketName: 'bucket', objectName: 'key' };
    await expect(client.makeRequestStreamAsync(options, 'body', sha256, [200], '')).rejects.toThrow('captured');
    expect(headers.pop()).toMatchObject({ 'x-amz-content-sha256': sha256 });
  }
});

describe('a folder that fails', () => {
  const open = (folder: string) =>
    createFolderStore({ folder, publicUrl: 'http://127.0.0.1', signingSecret: 'secret', now: Date.now });

  it('C05 says full on a full disk, leaves nothing there, and works once there is room', async ({ skip }) => {
    const disk = (await mountSmallDisk(2 ** 20)) ?? skip('this user may not mount a small disk');
    onTestFinished(disk.close);
    const folder = disk.path;
    const store = open(folder);
    await mkdir(join(folder, 'jobs'));
    const key = newKey();
    expect((await failure(store.put(key, await source(2_000_000), { signal: signal() }))).reason).toBe('full');
    expect((await failure(store.check({ signal: signal() }))).reason).toBe('full');
    expect(await store.head(key)).toBeNull();
    const left = await readdir(folder, { recursive: true, withFileTypes: true });
    expect(left.filter((entry) => entry.isFile())).toEqual([]);
    await store.put(key, await source(500_000), { signal: signal() });
    expect(await store.head(key)).toMatchObject({ sizeBytes: 500_000 });
  });

  it('says denied when the folder cannot be one: another process may have the right one', async () => {
    const path = join(dir, randomUUID());
    await writeFile(path, '');
    const store = open(join(path, 'folder'));
    expect((await failure(store.check({ signal: signal() }))).reason).toBe('denied');
    expect((await failure(store.put(newKey(), await source(10), { signal: signal() }))).reason).toBe('denied');
  });

  it('has no object where a crash left only a part of it', async () => {
    const folder = join(dir, randomUUID());
    const store = open(folder);
    const file = await source(1000);
    const spoiled: [string, (key: string) => Promise<void>][] = [
      ['no description', (key) => rm(join(folder, key.replace('00.png', '.00.png.json')))],
      ['half a description', (key) => writeFile(join(folder, key.replace('00.png', '.00.png.json')), '{"sizeBytes":1')],
      ['no data', (key) => rm(join(folder, key))],
      ['half the data', (key) => writeFile(join(folder, key), randomBytes(500))],
    ];
    for (const [fault, spoil] of spoiled) {
      const key = newKey();
      await store.put(key, file, { signal: signal() });
      await spoil(key);
      expect([fault, await store.head(key)]).toEqual([fault, null]);
      await store.put(key, file, { signal: signal() });
      expect(await store.head(key)).toMatchObject({ sizeBytes: 1000 });
    }
  });
});
