import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { StorageError } from '../../../src/artifacts/artifact-store.ts';
import { createFolderStore } from '../../../src/artifacts/folder/folder.ts';
import { artifactKey } from '../../../src/artifacts/keys.ts';
import { createS3Store } from '../../../src/artifacts/s3/s3.ts';
import type { Artifact } from '../../../src/core/job.ts';
import { createVariantDownload } from '../../../src/http/files/variant-download.ts';
import { closeRedis, connectRedis, whenReady } from '../../../src/redis/connection.ts';
import { createKeys } from '../../../src/redis/keys.ts';
import { type Converter, createConverter } from '../../../src/variants/converter.ts';
import { createVariantMaker, type VariantClaims } from '../../../src/variants/make-variants.ts';
import { createRedisVariantClaims } from '../../../src/variants/redis/redis-claims.ts';
import { type Variant, variantKey } from '../../../src/variants/variant.ts';
import { createVariantAddresses, VARIANTS_PATH } from '../../../src/variants/variant-addresses.ts';
import { silent } from '../../support/gateway-store.ts';
import { testLog } from '../../support/graph-services.ts';
import { startTestServer } from '../../support/http-server.ts';
import { findMinio, startTestMinio, type TestMinio } from '../../support/minio.ts';
import { fileToStore, testPicture } from '../../support/pictures.ts';
import { startTestRedis } from '../../support/redis.ts';

const webp: Variant = { format: 'WEBP', width: 16, quality: 80 };
const options = { expiresInSeconds: 600, download: false };
const id = '01890a5d-ac96-774b-bcce-b302099a8057';

const artifact: Artifact = {
  id: 'artifact-1',
  key: artifactKey(id, 1, 0, 'png'),
  kind: 'image',
  filename: 'a.png',
  contentType: 'image/png',
  sizeBytes: 0,
  sha256: '',
  node: '9',
  output: null,
  width: 64,
  height: 64,
  durationSeconds: null,
};

interface PictureOptions {
  converter?: Converter;
  claims?: VariantClaims;
  minio?: TestMinio | null;
}

const noClaims: VariantClaims = { claim: async () => [] };

const another: Artifact = { ...artifact, key: artifactKey('01890a5d-ac96-774b-bcce-b302099a8058', 1, 0, 'png') };

/** A picture of two jobs, and a gateway that gives others of it. */
async function openPicture(
  test: { onTestFinished(dispose: () => Promise<void>): void },
  { converter = createConverter(), claims = noClaims, minio = null }: PictureOptions = {},
) {
  const dir = await mkdtemp(join(tmpdir(), 'comfygate-refusals-'));
  test.onTestFinished(() => rm(dir, { recursive: true }));
  const own = { folder: join(dir, 'artifacts'), publicUrl: 'http://gateway.test', signingSecret: 'x' };
  const store = minio
    ? createS3Store({ ...minio, bucket: 'pictures', now: Date.now })
    : createFolderStore({ ...own, now: Date.now });
  const path = join(dir, 'a.png');
  await testPicture(64, 64).toFile(path);
  const file = await fileToStore(path, 'image/png', 'a.png');
  for (const { key } of [artifact, another]) await store.put(key, file, { signal: AbortSignal.timeout(10_000) });
  const now = Date.now;
  const addresses = createVariantAddresses({ publicUrl: '', secret: 'secret', now });
  const { log, lines } = testLog();
  const onRedisDown = vi.fn();
  const maker = createVariantMaker({ artifacts: store, claims, onRedisDown, log, converter });
  test.onTestFinished(() => maker.close());
  const serve = createVariantDownload({ addresses, maker, artifacts: store, now, log });
  const { server } = await startTestServer({ variants: { path: VARIANTS_PATH, serve } });
  const get = async (variant: Variant, of = artifact) => fetch(`${server.url}${addresses.url(of, variant, options)}`);
  return { get, maker, lines, store, onRedisDown };
}

describe('pictures that cannot be had now', () => {
  it('B05 one of a job is made at once and 64 wait; whoever has most is asked to come again', {
    timeout: 120_000,
  }, async (context) => {
    const { promise: free, resolve: end } = Promise.withResolvers<void>();
    const bytes = await testPicture(8, 8).webp().toBuffer();
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const going = new Set<string>();
    let most = 0;
    const { get } = await openPicture(context, {
      converter: {
        async convert({ path, target }) {
          going.add(path);
          most = Math.max(most, going.size);
          await free;
          await writeFile(target, bytes);
          going.delete(path);
          return { sizeBytes: bytes.length, sha256 };
        },
        close: async () => undefined,
      },
    });
    const all = Array.from({ length: 66 }, (_, i) => get({ ...webp, quality: i + 1 }));
    // Nothing is made before the end, so the one that is answered is the one that was turned away.
    const refused = await Promise.race(all);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5']);
    expect(refused.headers.get('cache-control')).toBe('no-store');
    // Another job's has a place of its own.
    const others = Array.from({ length: 2 }, (_, i) => get({ ...webp, quality: i + 1 }, another));
    await vi.waitFor(() => expect(most).toBe(2));
    end();
    expect((await Promise.all(others)).map(({ status }) => status)).toEqual([200, 200]);
    const statuses = (await Promise.all(all)).map(({ status }) => status);
    expect(statuses.filter((status) => status !== 503)).toEqual(Array(64).fill(200));
    expect(most).toBe(2);
    expect((await get({ ...webp, quality: 100 })).status).toBe(200);
  });

  it('a gateway that stops gives up what it makes', async (context) => {
    const { get, maker } = await openPicture(context, {
      converter: {
        convert: (_, signal) =>
          new Promise((_made, fail) => signal.addEventListener('abort', () => fail(signal.reason))),
        close: async () => undefined,
      },
    });
    const response = get(webp);
    await vi.waitFor(async () => {
      await maker.close();
      expect((await response).status).toBe(503);
    });
  });

  it.skipIf(findMinio() === null)(
    'without storage it is 503, told once in the log, and works again',
    async (context) => {
      const minio = await startTestMinio();
      context.onTestFinished(() => minio.close());
      const { get, lines } = await openPicture(context, { minio });
      expect((await get(webp)).status).toBe(200);
      await minio.kill();
      for (let i = 0; i < 3; i++) {
        const response = await get(webp);
        expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5']);
        expect(response.headers.get('etag')).toBeNull();
        expect(await response.text()).not.toContain(String(minio.port));
      }
      expect(lines.filter(({ level }) => Number(level) >= 40).map(({ msg }) => msg)).toEqual([
        'pictures could not be served: storage failed',
      ]);
      await minio.restart();
      expect((await get(webp)).status).toBe(200);
    },
  );

  it('a storage that says what it has and does not give it is one line for all requests of a while', async () => {
    const grant = { key: 'jobs/j-1/1/00.png.v.webp', filename: 'a.webp', disposition: 'inline', expires: 9e9 } as const;
    const { log, lines } = testLog();
    const serve = createVariantDownload({
      addresses: { verified: () => grant },
      maker: { ensure: async () => ({ sizeBytes: 5, contentType: 'image/webp' }) },
      artifacts: { read: () => Promise.reject(new StorageError('unavailable', 'away')) },
      now: Date.now,
      log,
    });
    const { server } = await startTestServer({ variants: { path: VARIANTS_PATH, serve } });
    for (let i = 0; i < 5; i++) expect((await fetch(`${server.url}/variants/${grant.key}`)).status).toBe(503);
    expect(lines).toMatchObject([{ msg: 'pictures could not be served: storage failed', times: 1, jobId: 'j-1' }]);
  });

  it('leaves addresses of a bucket that is called as they are to storage', async () => {
    const served: string[] = [];
    const serve = createVariantDownload({
      addresses: { verified: () => null },
      maker: { ensure: () => Promise.reject(new Error('not expected')) },
      artifacts: { read: async () => null },
      now: Date.now,
      log: silent,
    });
    const { server } = await startTestServer({
      variants: { path: VARIANTS_PATH, serve },
      artifacts: {
        path: '/variants/',
        serve: async (req, res) => {
          served.push(req.url ?? '');
          res.end();
          return true;
        },
      },
    });
    expect((await fetch(`${server.url}/variants/jobs/a.png?X-Amz-Signature=ab`)).status).toBe(200);
    expect((await fetch(`${server.url}/variants/jobs/a.png?signature=ab`)).status).toBe(403);
    expect(served).toEqual(['/variants/jobs/a.png?X-Amz-Signature=ab']);
  });

  it('B15 without Redis a picture that is there is given, and a new one is 503 and not kept', async (context) => {
    const redis = await startTestRedis();
    context.onTestFinished(() => redis.close());
    const connection = connectRedis({ url: redis.url, role: 'request', log: silent });
    context.onTestFinished(() => closeRedis(connection));
    await whenReady(connection);
    const claims = createRedisVariantClaims(connection, createKeys('test'), 600_000);
    const { get, store, onRedisDown } = await openPicture(context, { claims });
    expect((await get(webp)).status).toBe(200);
    await redis.kill();
    expect((await get(webp)).status).toBe(200);
    const wide: Variant = { ...webp, width: 32 };
    const refused = await get(wide);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5']);
    expect(await store.head(variantKey(artifact.key, wide))).toBeNull();
    expect(onRedisDown).toHaveBeenCalledOnce();
    await redis.restart();
    await vi.waitFor(async () => expect((await get(wide)).status).toBe(200), 10_000);
  });
});
