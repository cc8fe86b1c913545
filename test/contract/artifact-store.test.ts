import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, open, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ArtifactStore, FileToStore } from '../../src/artifacts/artifact-store.ts';
import { artifactKey, jobPrefix, uploadKey } from '../../src/artifacts/keys.ts';
import { type ArtifactDriver, artifactDrivers } from '../support/artifact-drivers.ts';
import { collectGarbage } from '../support/collect-garbage.ts';

const HOUR = 3600;
const never = () => AbortSignal.timeout(60_000);

for (const { name, start, available } of artifactDrivers) {
  describe.skipIf(!available)(`artifact store: ${name}`, () => {
    let driver: ArtifactDriver;
    let store: ArtifactStore;
    let dir: string;

    beforeAll(async () => {
      dir = await mkdtemp(join(tmpdir(), 'comfygate-source-'));
      driver = await start();
      store = driver.store();
    });
    afterAll(async () => {
      await driver?.dispose();
      await rm(dir, { recursive: true });
    });

    async function source(bytes: Uint8Array, more: Partial<FileToStore> = {}): Promise<FileToStore> {
      const path = join(dir, randomUUID());
      await writeFile(path, bytes);
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      return { path, sizeBytes: bytes.length, sha256, contentType: 'image/png', filename: 'picture.png', ...more };
    }

    const newKey = (extension = 'png') => artifactKey(randomUUID(), 1, 0, extension);

    /** A stored object and an address of it. */
    async function stored(bytes: Uint8Array, more: Partial<FileToStore> = {}, download = false) {
      const key = newKey();
      const file = await source(bytes, more);
      await store.put(key, file, { signal: never() });
      const url = await store.url(key, { ...file, expiresInSeconds: HOUR, download });
      return { key, file, url };
    }

    it('stores a file whole and gives it back by a signed address', async () => {
      const bytes = randomBytes(300_000);
      // S3 counts whole seconds.
      const began = Math.floor(Date.now() / 1000) * 1000;
      const { key, file, url } = await stored(bytes);
      const modifiedAt = expect.any(Date);
      const head = await store.head(key);
      expect(head).toEqual({ sizeBytes: 300_000, sha256: file.sha256, contentType: 'image/png', modifiedAt });
      expect(Number(head?.modifiedAt)).toBeGreaterThanOrEqual(began - 1_000);
      expect(Number(head?.modifiedAt)).toBeLessThanOrEqual(Date.now() + 1_000);

      const response = await fetch(url);
      expect(response.status).toBe(200);
      expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true);
      expect(response.headers.get('content-type')).toBe('image/png');
      expect(response.headers.get('content-length')).toBe('300000');
      expect(response.headers.get('content-disposition')).toBe('inline; filename="picture.png"');
      expect(response.headers.get('cache-control')).toMatch(/^private, max-age=\d+, immutable$/);
    });

    it('gives the bytes back to whoever reads them here, as they are wanted', async () => {
      const bytes = randomBytes(3_000_000);
      const { key } = await stored(bytes);
      const body = await store.read(key, { signal: never() });
      expect(Buffer.concat((await body?.toArray()) ?? []).equals(bytes)).toBe(true);
      expect(await store.read(newKey(), { signal: never() })).toBeNull();
      const { key: empty } = await stored(new Uint8Array());
      expect(await (await store.read(empty, { signal: never() }))?.toArray()).toEqual([]);
    });

    it('gives just the part that is asked for, both ends included, and refuses one that begins behind it', async () => {
      const bytes = randomBytes(300_000);
      const { key } = await stored(bytes);
      const part = async (start: number, end: number) => {
        const body = await store.read(key, { range: { start, end }, signal: never() });
        return Buffer.concat((await body?.toArray()) ?? []);
      };
      const ranges = [
        [0, 0],
        [0, 99],
        [1, 1],
        [100, 199_999],
        [299_999, 299_999],
        [0, 299_999],
      ] as const;
      for (const [start, end] of ranges) {
        expect([start, end, (await part(start, end)).equals(bytes.subarray(start, end + 1))]).toEqual([
          start,
          end,
          true,
        ]);
      }
      expect((await part(299_990, 400_000)).equals(bytes.subarray(299_990))).toBe(true);
      const refused = { name: 'StorageError', reason: 'refused' };
      await expect(part(300_000, 300_001)).rejects.toMatchObject(refused);
      expect(await store.read(newKey(), { range: { start: 0, end: 1 }, signal: never() })).toBeNull();
    });

    it('ends a read with the reason of its signal, and leaves nothing open when it is given up', async () => {
      const { key } = await stored(randomBytes(8_000_000));
      const reason = new Error('attempt over');
      await expect((async () => store.read(key, { signal: AbortSignal.abort(reason) }))()).rejects.toBe(reason);
      const control = new AbortController();
      const body = await store.read(key, control);
      const reading = (async () => {
        for await (const _chunk of body ?? []) control.abort(reason);
      })();
      await expect(reading).rejects.toBe(reason);

      const descriptors = await readdir('/proc/self/fd').catch(() => null);
      const unread = await Promise.all(Array.from({ length: 10 }, () => store.read(key, { signal: never() })));
      for (const each of unread) each?.destroy();
      if (descriptors === null) return;
      await expect
        .poll(async () => (await readdir('/proc/self/fd')).length)
        .toBeLessThanOrEqual(descriptors.length + 2);
    });

    it('serves ranges, and nothing at all to a browser that has the file', async () => {
      const bytes = randomBytes(10_000);
      const { url } = await stored(bytes);
      const part = await fetch(url, { headers: { range: 'bytes=100-199' } });
      expect(part.status).toBe(206);
      expect(part.headers.get('content-range')).toBe('bytes 100-199/10000');
      expect(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(100, 200))).toBe(true);
      expect((await fetch(url, { headers: { range: 'bytes=10000-' } })).status).toBe(416);

      const etag = part.headers.get('etag') ?? '';
      expect(etag).toMatch(/^"[0-9a-f]{32,64}"$/);
      const again = await fetch(url, { headers: { 'if-none-match': etag } });
      expect(again.status).toBe(304);
      expect(await again.text()).toBe('');
    });

    it('stores an empty file', async () => {
      const { key, file, url } = await stored(new Uint8Array());
      expect(await store.head(key)).toMatchObject({ sizeBytes: 0, sha256: file.sha256 });
      const response = await fetch(url);
      expect([response.status, (await response.arrayBuffer()).byteLength]).toEqual([200, 0]);
    });

    it('stores what is in memory as it does a file', async () => {
      const bytes = randomBytes(5000);
      const { path: _, ...described } = await source(bytes);
      const key = newKey();
      await store.put(key, { ...described, bytes }, { signal: never() });
      expect(await store.head(key)).toMatchObject({ sizeBytes: 5000, sha256: described.sha256 });
      const url = await store.url(key, { ...described, expiresInSeconds: HOUR, download: false });
      expect(Buffer.from(await (await fetch(url)).arrayBuffer()).equals(bytes)).toBe(true);
    });

    it('replaces what an earlier attempt left under the same key, with another length', async () => {
      const { key, url } = await stored(randomBytes(5000));
      const bytes = randomBytes(700);
      const file = await source(bytes, { contentType: 'image/webp' });
      await store.put(key, file, { signal: never() });
      await store.put(key, file, { signal: never() });
      expect(await store.head(key)).toMatchObject({ sizeBytes: 700, sha256: file.sha256, contentType: 'image/webp' });
      expect(Buffer.from(await (await fetch(url)).arrayBuffer()).equals(bytes)).toBe(true);
    });

    it('leaves a whole object when the same file is stored several times at once', async () => {
      const key = newKey();
      const file = await source(randomBytes(200_000));
      await Promise.all(Array.from({ length: 6 }, () => store.put(key, file, { signal: never() })));
      expect(await store.head(key)).toMatchObject({ sizeBytes: file.sizeBytes, sha256: file.sha256 });
    });

    it('stores 64 MB without holding them in memory', async () => {
      const block = randomBytes(1024 * 1024);
      const hash = createHash('sha256');
      const path = join(dir, randomUUID());
      const target = await open(path, 'w');
      for (let written = 0; written < 64; written++) {
        await target.appendFile(block);
        hash.update(block);
      }
      await target.close();
      const file = { ...(await source(new Uint8Array())), path, sizeBytes: 64 * 1024 ** 2, sha256: hash.digest('hex') };

      const live = () => {
        // What one finds is freed beside the program, and before the next one begins at the latest.
        collectGarbage();
        collectGarbage();
        return process.memoryUsage().arrayBuffers;
      };
      const before = live();
      let peak = 0;
      let samples = 0;
      const sampler = setInterval(() => {
        peak = Math.max(peak, live() - before);
        // A collection takes long beside a busy machine; a handful of looks is enough.
        if (++samples === 6) clearInterval(sampler);
      }, 30);
      const key = newKey();
      try {
        await store.put(key, file, { signal: never() });
      } finally {
        clearInterval(sampler);
      }
      expect(await store.head(key)).toMatchObject({ sizeBytes: file.sizeBytes, sha256: file.sha256 });
      expect(samples).toBeGreaterThan(0);
      expect(peak).toBeLessThan(24 * 1024 ** 2);
      await store.removePrefix(key);
      expect(await store.head(key)).toBeNull();
    });

    it('A59 keeps names in any script and lets nothing of a hostile one through', async () => {
      const names: [given: string, plain: string, extended: string | null][] = [
        ['кот на окне.png', 'filename="___ __ ____.png"', 'кот на окне.png'],
        ['été 100.png', 'filename="ete 100.png"', 'été 100.png'],
        ['../../etc/passwd', 'filename="passwd"', null],
        ['a"; filename="evil.exe\r\nSet-Cookie: x=1', 'filename="a__ filename=_evil.exe__Set-Cookie_ x=1"', null],
        ['photo\u202egnp.exe', 'filename="photo_gnp.exe"', null],
        ['..', 'filename="artifact"', null],
      ];
      for (const [filename, plain, extended] of names) {
        for (const download of [false, true]) {
          const { url } = await stored(randomBytes(10), { filename }, download);
          const response = await fetch(url);
          expect(response.status).toBe(200);
          await response.arrayBuffer();
          const disposition = response.headers.get('content-disposition') ?? '';
          expect(disposition.startsWith(`${download ? 'attachment' : 'inline'}; ${plain}`)).toBe(true);
          const encoded = /filename\*=UTF-8''([^;]+)$/.exec(disposition)?.[1];
          expect(encoded === undefined ? null : decodeURIComponent(encoded)).toBe(extended);
        }
      }
    });

    it.each(['text/html', 'image/svg+xml', 'application/xml', 'text/javascript', 'application/pdf', 'x/unheard-of'])(
      'A60 gives %s out as an attachment that says nothing of its type',
      async (contentType) => {
        const { key, url } = await stored(Buffer.from('<script>alert(1)</script>'), {
          contentType,
          filename: 'a.html',
        });
        const response = await fetch(url);
        expect(response.headers.get('content-type')).toBe('application/octet-stream');
        expect(response.headers.get('content-disposition')).toBe('attachment; filename="a.html"');
        await response.arrayBuffer();
        expect(await store.head(key)).toMatchObject({ contentType: 'application/octet-stream' });
      },
    );

    it('A61 refuses an address that was altered, or made for another object', async () => {
      const { key, url } = await stored(randomBytes(10), {}, true);
      const other = await stored(randomBytes(10));
      const altered = new Set<string>();
      altered.add(url.replace(key, other.key));
      altered.add(`${url}&x=1`);
      altered.add(url.split('?')[0] ?? '');
      for (const [parameter, value] of new URL(url).searchParams) {
        for (const changed of [`${value}1`, value.slice(1), '', null]) {
          const address = new URL(url);
          if (changed === null) address.searchParams.delete(parameter);
          else address.searchParams.set(parameter, changed);
          altered.add(address.href);
        }
      }
      altered.delete(url);
      for (const address of altered) {
        const { status } = await fetch(address);
        // S3 tells a query that is no signature at all (400) from one that is not valid (403), some an unknown access
        // key (404).
        expect([address, [400, 403, 404].includes(status)]).toEqual([address, true]);
      }
      expect((await fetch(url.replace(key, other.key))).status).toBe(403);
      expect((await fetch(url)).status).toBe(200);
    });

    it('A61 refuses an address that has expired', async () => {
      const { key, file } = await stored(randomBytes(10));
      const options = { ...file, download: false };
      const anHourAgo = driver.store(() => Date.now() - 2 * HOUR * 1000);
      expect((await fetch(await anHourAgo.url(key, { ...options, expiresInSeconds: HOUR }))).status).toBe(403);
      expect((await fetch(await anHourAgo.url(key, { ...options, expiresInSeconds: 4 * HOUR }))).status).toBe(200);
      const notAfter = Date.now() - 1000;
      expect((await fetch(await store.url(key, { ...options, expiresInSeconds: HOUR, notAfter }))).status).toBe(403);
      const soon = Date.now() + 60_000;
      expect((await fetch(await store.url(key, { ...options, expiresInSeconds: HOUR, notAfter: soon }))).status).toBe(
        200,
      );
    });

    it('gives the same address for a while, and another one to save', async () => {
      let now = Date.parse('2026-03-01T12:00:00Z');
      const dated = driver.store(() => now);
      const options = { filename: 'a.png', contentType: 'image/png', expiresInSeconds: HOUR, download: false };
      const key = newKey();
      const first = await dated.url(key, options);
      now += 14 * 60_000;
      expect(await dated.url(key, options)).toBe(first);
      expect(await dated.url(key, { ...options, download: true })).not.toBe(first);
      now += 2 * 60_000;
      expect(await dated.url(key, options)).not.toBe(first);
    });

    it('gives a steady address that is the same for a whole hour and then works for another', async () => {
      const twelve = Date.parse('2026-03-01T12:00:00Z');
      const options = { filename: 'a.png', contentType: 'image/png', expiresInSeconds: HOUR, steady: true };
      const { key } = await stored(randomBytes(10));
      const at = (now: number) => driver.store(() => now).url(key, { ...options, download: false });
      expect(await at(twelve + HOUR * 1000 - 1)).toBe(await at(twelve));
      expect(await at(twelve + HOUR * 1000)).not.toBe(await at(twelve));
      const thisHour = Math.floor(Date.now() / 1000 / HOUR) * HOUR * 1000;
      expect((await fetch(await at(thisHour - 1))).status).toBe(200);
      expect((await fetch(await at(thisHour - HOUR * 1000 - 1))).status).toBe(403);
    });

    it('has nothing under a key that was never written', async () => {
      expect(await store.head(newKey())).toBeNull();
      const url = await store.url(newKey(), {
        filename: 'a',
        contentType: 'image/png',
        expiresInSeconds: 9,
        download: false,
      });
      expect((await fetch(url)).status).toBe(404);
    });

    it.each(['', '/', '../a', 'jobs/../../a', 'jobs//a', '/jobs/a', 'jobs/.hidden', 'jobs/a\0', 'jobs/a b', 'jobs/é'])(
      'refuses %j as a key',
      async (key) => {
        const file = await source(randomBytes(10));
        const refused = { name: 'StorageError', reason: 'refused' };
        await expect(store.put(key, file, { signal: never() })).rejects.toMatchObject(refused);
        await expect((async () => store.head(key))()).rejects.toMatchObject(refused);
        await expect((async () => store.read(key, { signal: never() }))()).rejects.toMatchObject(refused);
        await expect((async () => store.removePrefix(key))()).rejects.toMatchObject(refused);
        const options = { ...file, expiresInSeconds: HOUR, download: false };
        await expect((async () => store.url(key, options))()).rejects.toMatchObject(refused);
      },
    );

    it.each([10, 3_000_000])(
      'fails at once, and stores nothing, when the file is not what was said (%i bytes)',
      async (size) => {
        const faults: [string, (file: FileToStore) => Promise<FileToStore>][] = [
          ['gone', async (file) => rm(file.path).then(() => file)],
          ['shorter', async (file) => truncate(file.path, size - 1).then(() => file)],
          ['longer', async (file) => ({ ...file, sizeBytes: size - 1 })],
          ['a folder', async (file) => ({ ...file, path: dir })],
          ['other bytes', async (file) => writeFile(file.path, randomBytes(size)).then(() => file)],
        ];
        for (const [fault, spoil] of faults) {
          const key = newKey();
          const file = await spoil(await source(randomBytes(size)));
          const failure = await store.put(key, file, { signal: AbortSignal.timeout(20_000) }).catch((error) => error);
          expect([fault, failure?.reason]).toEqual([fault, 'source']);
          expect(failure.retryable).toBe(false);
          expect(await store.head(key)).toBeNull();
        }
      },
    );

    it('rejects with the reason of a signal that aborts, before and during a write, and leaves nothing', async () => {
      const reason = new Error('lease lost');
      const file = await source(randomBytes(20_000_000));
      const key = newKey();
      await expect(store.put(key, file, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);

      const controller = new AbortController();
      const put = store.put(key, file, { signal: controller.signal });
      setImmediate(() => controller.abort(reason));
      await expect(put).rejects.toBe(reason);
      expect(await store.head(key)).toBeNull();
      await expect(store.check({ signal: controller.signal })).rejects.toBe(reason);
      await expect((async () => store.head(key, controller))()).rejects.toBe(reason);
      await expect((async () => store.removePrefix(key, controller))()).rejects.toBe(reason);
    });

    describe('an address that takes a file', () => {
      const bytes = randomBytes(300_000);
      const announced = { contentType: 'image/png', sizeBytes: bytes.length, expiresInSeconds: 60 };
      const put = (url: string, headers: Record<string, string>, body: Buffer) =>
        fetch(url, { method: 'PUT', headers, body: new Uint8Array(body) });

      it('takes just that file, and gives it back to whoever reads it here', async () => {
        const key = uploadKey(randomUUID());
        const began = Date.now();
        const { url, headers, expiresAt } = await store.uploadUrl(key, announced);
        const made = Date.now();
        expect(headers).toMatchObject({ 'Content-Type': 'image/png' });
        expect(expiresAt - began).toBeGreaterThan(58_000);
        expect(expiresAt - made).toBeLessThanOrEqual(60_000);
        expect(await store.head(key)).toBeNull();
        expect((await put(url, headers, bytes)).status).toBe(200);
        expect(await store.head(key)).toMatchObject({ sizeBytes: bytes.length, contentType: 'image/png' });
        const read = await (await store.read(key, { signal: never() }))?.toArray();
        expect(Buffer.concat(read ?? []).equals(bytes)).toBe(true);
        // Its answer may have been lost. S3 does not compare.
        expect((await put(url, headers, bytes)).status).toBe(name === 'folder' ? 200 : 412);
        await store.removePrefix(key);
        expect(await store.head(key)).toBeNull();
      });

      it('refuses another size or type, no length, another method, and an altered or an old address', async () => {
        const key = uploadKey(randomUUID());
        const { url, headers } = await store.uploadUrl(key, announced);
        const refused = async (answer: Promise<Response>) => {
          const { status } = await answer;
          expect([400, 403, 405, 411, 413, 415]).toContain(status);
          expect(await store.head(key)).toBeNull();
        };
        await refused(put(url, headers, bytes.subarray(1)));
        await refused(put(url, headers, Buffer.concat([bytes, bytes])));
        await refused(put(url, headers, Buffer.alloc(0)));
        await refused(put(url, { ...headers, 'Content-Type': 'text/html' }, bytes));
        await refused(put(url, {}, bytes));
        // Without a length.
        const chunked = request(url, { method: 'PUT', headers: { ...headers, 'Transfer-Encoding': 'chunked' } });
        chunked.on('error', () => undefined);
        chunked.end(bytes);
        const [{ statusCode }] = await once(chunked, 'response');
        expect([403, 411]).toContain(statusCode);
        await refused(fetch(url, { method: 'POST', headers, body: new Uint8Array(bytes) }));
        await refused(fetch(url));
        await refused(put(url.replace(key, uploadKey(randomUUID())), headers, bytes));
        for (const [name, value] of new URL(url).searchParams) {
          const altered = new URL(url);
          altered.searchParams.set(name, `${value}1`);
          await refused(put(altered.href, headers, bytes));
        }
        const anHourAgo = driver.store(() => Date.now() - HOUR * 1000);
        await refused(put((await anHourAgo.uploadUrl(key, announced)).url, headers, bytes));
        expect((await put(url, headers, bytes)).status).toBe(200);
      });

      it('takes only the whole of it, however many come at once', async () => {
        const key = uploadKey(randomUUID());
        const { url, headers } = await store.uploadUrl(key, announced);
        const answers = await Promise.all(Array.from({ length: 6 }, () => put(url, headers, bytes)));
        const statuses = answers.map(({ status }) => status);
        if (name === 'folder') expect(statuses).toEqual(Array(6).fill(200));
        else expect(statuses.filter((status) => status === 200)).toHaveLength(1);
        expect(await store.head(key)).toMatchObject({ sizeBytes: bytes.length });
      });

      it('B06 of two files at once takes one, and tells the other', async () => {
        for (let round = 0; round < 10; round++) {
          const key = uploadKey(randomUUID());
          const { url, headers } = await store.uploadUrl(key, announced);
          const files = [bytes, randomBytes(bytes.length)];
          const statuses = await Promise.all(files.map(async (file) => (await put(url, headers, file)).status));
          expect(statuses.filter((status) => status === 200)).toHaveLength(1);
          const read = await (await store.read(key, { signal: never() }))?.toArray();
          expect(Buffer.concat(read ?? []).equals(files[statuses.indexOf(200)] ?? Buffer.alloc(0))).toBe(true);
        }
      });
    });

    it('removes all that a job stored, and nothing of another one', async () => {
      const job = randomUUID();
      const file = await source(randomBytes(10));
      const keys = Array.from({ length: 300 }, (_, index) => artifactKey(job, 1 + (index % 3), index, 'png'));
      const sibling = artifactKey(`${job}0`, 1, 0, 'png');
      for (let at = 0; at < keys.length; at += 20) {
        await Promise.all(keys.slice(at, at + 20).map((key) => store.put(key, file, { signal: never() })));
      }
      await store.put(sibling, file, { signal: never() });
      await store.removePrefix(jobPrefix(job));
      expect(await Promise.all(keys.map((key) => store.head(key)))).toEqual(keys.map(() => null));
      expect(await store.head(sibling)).not.toBeNull();
      await store.removePrefix(jobPrefix(job));
      await store.removePrefix(`jobs/${job}`);
      expect(await store.head(sibling)).toBeNull();
    });

    it('works according to its own check, and left no temporary file or descriptor behind', async () => {
      await store.check({ signal: never() });
      const descriptors = await readdir('/proc/self/fd').catch(() => null);
      const { url } = await stored(randomBytes(500_000));
      await (await fetch(url)).arrayBuffer();
      if (descriptors === null) return;
      await expect
        .poll(async () => (await readdir('/proc/self/fd')).length)
        .toBeLessThanOrEqual(descriptors.length + 2);
    });
  });
}
