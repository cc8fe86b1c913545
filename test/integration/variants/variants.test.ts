import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ArtifactStore } from '../../../src/artifacts/artifact-store.ts';
import { artifactKey, jobPrefix } from '../../../src/artifacts/keys.ts';
import type { Artifact } from '../../../src/core/job.ts';
import { inspectFile } from '../../../src/files/inspect.ts';
import { createVariantDownload } from '../../../src/http/files/variant-download.ts';
import { closeRedis, connectRedis, whenReady } from '../../../src/redis/connection.ts';
import { createKeys } from '../../../src/redis/keys.ts';
import { type Converter, createConverter } from '../../../src/variants/converter.ts';
import { createVariantMaker } from '../../../src/variants/make-variants.ts';
import { createRedisVariantClaims } from '../../../src/variants/redis/redis-claims.ts';
import { type Variant, variantKey } from '../../../src/variants/variant.ts';
import { createVariantAddresses, VARIANTS_PATH } from '../../../src/variants/variant-addresses.ts';
import { type ArtifactDriver, artifactDrivers } from '../../support/artifact-drivers.ts';
import { silent } from '../../support/gateway-store.ts';
import { testLog } from '../../support/graph-services.ts';
import { startTestServer } from '../../support/http-server.ts';
import { fileToStore, testAnimation, testPicture } from '../../support/pictures.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';

/** Where addresses say the gateway is; the test asks the one it has started. */
const PUBLIC_URL = 'https://pictures.example';
const SECRET = 'a secret that only this test knows, and 32 long';
const webp: Variant = { format: 'WEBP', width: 100, quality: 80 };
const RETENTION_MS = 600_000;

interface GatewayOptions {
  now?: () => number;
  secret?: string;
  /** Called before a file of the store is read, and waited for. */
  beforeRead?: () => Promise<void>;
}

for (const { name, start, available } of artifactDrivers) {
  describe.skipIf(!available)(`pictures made of others: ${name}`, { timeout: 60_000 }, () => {
    let driver: ArtifactDriver;
    let redis: TestRedis;
    let dir: string;
    const processes = createConverter();
    /** Its processes outlive the gateways of tests, of which each would start its own. */
    const converter: Converter = { ...processes, close: async () => undefined };

    beforeAll(async () => {
      dir = await mkdtemp(join(tmpdir(), 'comfygate-pictures-'));
      [driver, redis] = await Promise.all([start(), startTestRedis()]);
    });
    afterAll(async () => {
      await processes.close();
      await driver?.dispose();
      await redis?.close();
      await rm(dir, { recursive: true });
    });

    /** A gateway's part of it, with what a test wants to count or break. */
    async function openGateway({ now = Date.now, secret = SECRET, beforeRead }: GatewayOptions = {}) {
      const store = driver.store();
      const puts: string[] = [];
      const counted: ArtifactStore = {
        ...store,
        read: async (key, options) => {
          await beforeRead?.();
          return store.read(key, options);
        },
        put: (key, file, options) => {
          puts.push(key);
          return store.put(key, file, options);
        },
      };
      const { log, lines } = testLog();
      const connection = connectRedis({ url: redis.url, role: 'request', log: silent });
      await whenReady(connection);
      const keys = createKeys(`test-${randomUUID()}`);
      const addresses = createVariantAddresses({ publicUrl: PUBLIC_URL, secret, now });
      const claims = createRedisVariantClaims(connection, keys, RETENTION_MS);
      const maker = createVariantMaker({ artifacts: counted, claims, onRedisDown: () => undefined, log, converter });
      const serve = createVariantDownload({ addresses, maker, artifacts: counted, now, log });
      const { server } = await startTestServer({ variants: { path: VARIANTS_PATH, serve } });
      return {
        store,
        puts,
        lines,
        keys,
        redis: connection,
        addresses,
        maker,
        /** Asks this gateway for an address of any gateway. */
        get: (url: string, options: RequestInit = {}) => fetch(url.replace(PUBLIC_URL, server.url), options),
        port: server.port,
        close: async () => {
          await maker.close();
          await closeRedis(connection);
        },
      };
    }
    type Gateway = Awaited<ReturnType<typeof openGateway>>;

    const withGateway =
      (test: (gateway: Gateway) => Promise<void>, options: Parameters<typeof openGateway>[0] = {}) =>
      async () => {
        const gateway = await openGateway(options);
        try {
          await test(gateway);
        } finally {
          await gateway.close();
        }
      };

    /** An artifact as a worker leaves it. */
    async function publish(store: ArtifactStore, picture: Sharp | Buffer, extension = 'png'): Promise<Artifact> {
      const path = join(dir, `${randomUUID()}.${extension}`);
      if (Buffer.isBuffer(picture)) await writeFile(path, picture);
      else await picture.toFile(path);
      const found = Buffer.isBuffer(picture)
        ? { contentType: 'image/png', width: 64, height: 64 }
        : await inspectFile(path);
      const file = await fileToStore(path, found.contentType, `Größe ${extension}.${extension}`);
      const key = artifactKey(randomUUID(), 1, 0, extension);
      await store.put(key, file, { signal: AbortSignal.timeout(20_000) });
      const { width = null, height = null } = found;
      const nothing = { output: null, durationSeconds: null };
      return { ...file, ...nothing, id: randomUUID(), key, kind: 'image', node: '9', width, height };
    }

    const options = { expiresInSeconds: 3600, download: false };

    /** What is in an answer, by a decoder's word. */
    async function decoded(response: Response) {
      const bytes = Buffer.from(await response.arrayBuffer());
      const path = join(dir, randomUUID());
      await writeFile(path, bytes);
      const { format, width, height, pages, exif, xmp, icc, orientation } = await sharp(path).metadata();
      return { bytes, path, format, width, height, pages, words: { exif, xmp, icc, orientation } };
    }

    it.each([
      ['WEBP', 'webp', 'image/webp', 'Größe png.webp'],
      ['JPEG', 'jpeg', 'image/jpeg', 'Größe png.jpg'],
      ['PNG', 'png', 'image/png', 'Größe png.png'],
      ['AVIF', 'heif', 'image/avif', 'Größe png.avif'],
    ] as const)('gives %s of the asked width', async (format, expected, contentType, filename) => {
      await withGateway(async ({ store, addresses, get }) => {
        const artifact = await publish(store, testPicture(400, 300));
        const variant = { format, width: 100, quality: format === 'PNG' ? null : 70 };
        const response = await get(addresses.url(artifact, variant, options));
        expect([response.status, response.headers.get('content-type')]).toEqual([200, contentType]);
        expect(response.headers.get('content-disposition')).toContain(encodeURIComponent(filename));
        expect(response.headers.get('content-disposition')).toMatch(/^inline; /);
        const seen = await decoded(response);
        expect(seen).toMatchObject({ format: expected, width: 100, height: 75 });
        expect(response.headers.get('content-length')).toBe(String(seen.bytes.length));
      })();
    });

    it(
      'sends it as all files are sent: cached for as long as its address works, by ETag, in parts, not to be run',
      withGateway(async ({ store, addresses, get }) => {
        const artifact = await publish(store, testPicture(400, 300));
        const url = addresses.url(artifact, webp, { ...options, download: true });
        const whole = await get(url);
        const bytes = Buffer.from(await whole.arrayBuffer());
        const sha256 = createHash('sha256').update(bytes).digest('hex');
        expect(whole.headers.get('etag')).toBe(`"${sha256}"`);
        expect(whole.headers.get('x-content-type-options')).toBe('nosniff');
        expect(whole.headers.get('content-security-policy')).toContain('sandbox');
        expect(whole.headers.get('content-disposition')).toMatch(/^attachment; /);
        expect(whole.headers.get('cache-control')).toMatch(/^private, max-age=\d+, immutable$/);

        const known = await get(url, { headers: { 'if-none-match': `"${sha256}"` } });
        expect(known.status).toBe(304);
        for (const [range, from, to] of [
          ['bytes=0-9', 0, 10],
          ['bytes=50-', 50, bytes.length],
          ['bytes=-7', bytes.length - 7, bytes.length],
          [`bytes=10-${bytes.length}`, 10, bytes.length],
        ] as const) {
          const part = await get(url, { headers: { range } });
          expect([range, part.status]).toEqual([range, 206]);
          expect(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(from, to))).toBe(true);
        }
        const head = await get(url, { method: 'HEAD' });
        expect([head.status, head.headers.get('content-length')]).toEqual([200, String(bytes.length)]);
        expect((await get(url, { method: 'POST' })).status).toBe(405);
      }),
    );

    it(
      'is made once for 100 at a time, is then only read, and lies beside its original',
      withGateway(async ({ store, addresses, get, puts }) => {
        const artifact = await publish(store, testPicture(800, 600));
        const url = addresses.url(artifact, webp, options);
        const ask = async () => {
          const response = await get(url);
          return createHash('sha256')
            .update(Buffer.from(await response.arrayBuffer()))
            .digest('hex');
        };
        const seen = new Set(await Promise.all(Array.from({ length: 100 }, ask)));
        expect(seen.size).toBe(1);
        await ask();
        expect(puts).toEqual([variantKey(artifact.key, webp)]);
        expect((await store.head(variantKey(artifact.key, webp)))?.sha256).toBe([...seen][0]);
      }),
    );

    it('is made to its end when the one who asked first leaves', async () => {
      const reading = Promise.withResolvers<void>();
      const left = Promise.withResolvers<void>();
      const beforeRead = () => {
        reading.resolve();
        return left.promise;
      };
      await withGateway(
        async ({ store, addresses, get, puts, port }) => {
          const artifact = await publish(store, testPicture(1200, 1200));
          const { pathname, search } = new URL(addresses.url(artifact, webp, options));
          const leaver = request({ port, host: '127.0.0.1', path: pathname + search });
          leaver.on('error', () => undefined).end();
          await reading.promise;
          leaver.destroy();
          // An answer to a later request: the server has noticed by then.
          expect((await get(`${PUBLIC_URL}${pathname}`)).status).toBe(403);
          left.resolve();
          await vi.waitFor(async () => expect(await store.head(variantKey(artifact.key, webp))).not.toBeNull(), 10_000);
          expect((await get(`${PUBLIC_URL}${pathname}${search}`)).status).toBe(200);
          expect(puts).toHaveLength(1);
        },
        { beforeRead },
      )();
    });

    it(
      'goes with its job, and is not made again',
      withGateway(async ({ store, addresses, get }) => {
        const artifact = await publish(store, testPicture(400, 300));
        const url = addresses.url(artifact, webp, options);
        expect((await get(url)).status).toBe(200);
        await store.removePrefix(jobPrefix(artifact.key.split('/')[1] ?? ''));
        expect(await store.head(variantKey(artifact.key, webp))).toBeNull();
        const gone = await get(url);
        expect([gone.status, gone.headers.get('cache-control')]).toEqual([404, 'no-store']);
        expect(await store.head(variantKey(artifact.key, webp))).toBeNull();
      }),
    );

    it(
      'is not left behind when its job is removed while it is made',
      withGateway(async ({ store, puts }) => {
        const artifact = await publish(store, testPicture(400, 300));
        const key = variantKey(artifact.key, webp);
        const maker = createVariantMaker({
          artifacts: {
            ...store,
            async put(each, file, how) {
              puts.push(each);
              await store.removePrefix(artifact.key);
              await store.put(each, file, how);
            },
          },
          claims: { claim: async () => [] },
          onRedisDown: () => undefined,
          log: silent,
          converter,
        });
        await expect(maker.ensure(key)).rejects.toMatchObject({ reason: 'gone' });
        expect(puts).toEqual([key]);
        expect(await store.head(key)).toBeNull();
        await maker.close();
      }),
    );

    it(
      'keeps animations in WEBP and takes their first frame otherwise; leaves no words; is upright',
      withGateway(async ({ store, addresses, get }) => {
        const animated = await publish(store, testAnimation(200, 100, 4).gif({ delay: [80, 80, 80, 80] }), 'gif');
        const film = await decoded(await get(addresses.url(animated, webp, options)));
        expect(film).toMatchObject({ format: 'webp', width: 100, height: 50, pages: 4 });
        const still = await decoded(
          await get(addresses.url(animated, { format: 'PNG', width: 100, quality: null }, options)),
        );
        expect(still).toMatchObject({ format: 'png', width: 100, height: 50 });
        expect(still.pages ?? 1).toBe(1);

        const worded = testPicture(200, 100)
          .withExif({ IFD0: { Copyright: 'someone' } })
          .withXmp('<x:xmpmeta xmlns:x="adobe:ns:meta/">secret</x:xmpmeta>')
          .withMetadata({ orientation: 6 })
          .jpeg();
        const turned = await publish(store, worded, 'jpg');
        const plain = await decoded(await get(addresses.url(turned, { ...webp, width: 50 }, options)));
        expect(plain).toMatchObject({ width: 50, height: 100 });
        expect(Object.values(plain.words).filter(Boolean)).toEqual([]);
        expect(plain.bytes.includes('secret')).toBe(false);
      }),
    );

    const nothing = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect/></svg>');
    const broken = ['OUTPUT_INVALID', 'This picture cannot be converted: it is broken or of another kind.'];
    it.each([
      ['an SVG that says it is a PNG', () => nothing],
      ['a PNG signature before an SVG', () => Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), nothing])],
      ['a PDF', () => Buffer.from('%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>')],
      ['noise', () => randomBytes(5_000)],
      ['a cut off PNG', async () => (await testPicture(400, 300).png().toBuffer()).subarray(0, 20_000)],
      [
        '67 megapixels',
        () =>
          sharp({ create: { width: 8200, height: 8200, channels: 3, background: 'navy' } })
            .png()
            .toBuffer(),
      ],
    ])('answers 422 for %s, says so once in the log, and goes on', async (name, bytes) => {
      await withGateway(async ({ store, addresses, get, lines }) => {
        const bad = await publish(store, await bytes());
        const url = addresses.url(bad, { ...webp, width: 32 }, options);
        for (let i = 0; i < 3; i++) {
          const response = await get(url);
          expect([response.status, response.headers.get('cache-control')]).toEqual([422, 'no-store']);
          const { errors } = await response.json();
          const [{ message, extensions }] = errors;
          expect([extensions.code, message]).toEqual(
            name === '67 megapixels'
              ? [
                  'LIMIT_EXCEEDED',
                  'This picture cannot be converted: it has 67240000 pixels, at most 67108864 are converted.',
                ]
              : broken,
          );
        }
        expect(lines.map(({ msg }) => msg)).toEqual(['a picture could not be converted']);
        const good = await publish(store, testPicture(64, 64));
        expect((await get(addresses.url(good, { ...webp, width: 32 }, options))).status).toBe(200);
      })();
    });

    it('A61 refuses an address that was altered, expired, or signed for another picture or by another', async () => {
      let now = Date.now();
      await withGateway(
        async ({ store, addresses, get, puts, port }) => {
          const artifact = await publish(store, testPicture(400, 300));
          const url = addresses.url(artifact, webp, options);
          const status = async (path: string) => {
            // Not fetch, which would tidy the path up.
            const sent = request({ host: '127.0.0.1', port, path }).end();
            const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
            sent.on('error', reject).on('response', (response) => {
              response.resume();
              resolve(response.statusCode);
            });
            return promise;
          };
          const path = url.slice(PUBLIC_URL.length);
          const other = await publish(store, testPicture(400, 300));
          const strange = await openGateway({ secret: 'another secret that is as long as 32' });
          const strangers = strange.addresses.url(artifact, webp, options);
          await strange.close();
          for (const altered of [
            path.replace('-w100', '-w101'),
            path.replace('-q80', ''),
            path.replace('.webp?', '.png?'),
            path.replace(artifact.key, other.key),
            path.replace('inline', 'attachment'),
            path.replace('/variants/jobs/', '/variants/jobs/../jobs/'),
            path.replace('/jobs/', '/%6aobs/'),
            path.replace(/expires=\d/, 'expires=9'),
            path.replace(/signature=./, 'signature='),
            path.replace(/&signature=.*/, ''),
            `${path}&expires=1`,
            path.split('?')[0] ?? '',
            strangers.slice(PUBLIC_URL.length),
          ]) {
            expect(altered).not.toBe(path);
            expect([altered, await status(altered)]).toEqual([altered, 403]);
          }
          expect(puts).toEqual([]);
          expect((await get(url)).status).toBe(200);
          // The driver's own addresses are signed for other things.
          expect(await status(path.replace('/variants/', '/artifacts/'))).toBe(404);
          now += 3600_000;
          expect(await status(path)).toBe(403);
        },
        { now: () => now },
      )();
    });

    it('works no longer than its job lives, and is the same for a while', async () => {
      let now = Date.now();
      await withGateway(
        async ({ store, addresses, get }) => {
          const artifact = await publish(store, testPicture(400, 300));
          const notAfter = now + 60_000;
          const url = addresses.url(artifact, webp, { ...options, notAfter });
          expect(addresses.url(artifact, webp, { ...options, notAfter })).toBe(url);
          expect((await get(url)).status).toBe(200);
          now = notAfter;
          expect((await get(url)).status).toBe(403);
        },
        { now: () => now },
      )();
    });

    it(
      'B15 the address of each of a thousand is made without Redis, and nobody can use them up',
      withGateway(async ({ store, puts, addresses, get, keys, redis: connection }) => {
        const artifact = await publish(store, testPicture(400, 300));
        const url = (width: number) => addresses.url(artifact, { ...webp, width }, options);
        const commands = async () =>
          Number(/total_commands_processed:(\d+)/.exec(await connection.info('stats'))?.[1] ?? 0);
        const before = await commands();
        const urls = Array.from({ length: 1_000 }, (_, i) => url(16 + i));
        expect(new Set(urls).size).toBe(1_000);
        expect((await commands()) - before).toBe(1);

        // A stranger asks for more than are kept; what somebody else needs is given all the same.
        const wanted = url(300);
        expect((await get(wanted)).status).toBe(200);
        for (const each of urls.slice(0, 20)) expect((await get(each)).status).toBe(200);
        expect((await get(wanted)).status).toBe(200);
        expect(puts.filter((key) => key.includes('-w300-'))).toHaveLength(2);

        // No more are kept than were promised, neither in storage nor in Redis.
        const kept = await Promise.all(
          [300, ...Array.from({ length: 20 }, (_, i) => 16 + i)].map(async (width) =>
            (await store.head(variantKey(artifact.key, { ...webp, width }))) === null ? [] : [width],
          ),
        );
        expect(kept.flat()).toEqual([300, ...Array.from({ length: 15 }, (_, i) => 21 + i)]);
        expect(await connection.zcard(keys.pictures(artifact.key))).toBe(16);
        const life = await connection.pttl(keys.pictures(artifact.key));
        expect(life).toBeGreaterThan(0);
        expect(life).toBeLessThanOrEqual(RETENTION_MS);
      }),
    );
  });
}
