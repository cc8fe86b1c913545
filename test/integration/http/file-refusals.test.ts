import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect, onTestFinished, test } from 'vitest';
import { createFolderStore } from '../../../src/artifacts/folder/folder.ts';
import { artifactKey } from '../../../src/artifacts/keys.ts';
import { createArtifactDownload } from '../../../src/http/files/artifact-download.ts';
import { createS3Proxy } from '../../../src/http/files/s3-proxy.ts';
import { createVariantDownload } from '../../../src/http/files/variant-download.ts';
import { variantKey } from '../../../src/variants/variant.ts';
import { silent } from '../../support/gateway-store.ts';
import { listen } from '../../support/listen.ts';
import { fileToStore, testPicture } from '../../support/pictures.ts';

const key = artifactKey('01890a5d-ac96-774b-bcce-b302099a8057', 1, 0, 'png');
const signingSecret = 's'.repeat(32);

test('what is not signed as S3 signs is refused without storage being asked', async () => {
  const asked: string[] = [];
  const endpoint = await listen(({ url = '' }, res) => {
    asked.push(url);
    res.end('a file');
  });
  const handle = createS3Proxy({ endpoint, publicEndpoint: 'http://public.example', bucket: 'b' });
  const origin = await listen((req, res) => void handle(req, res));
  const hex = 'a'.repeat(64);
  const refused = [
    '',
    '?',
    `?X-Amz-Signature=${hex.slice(1)}`,
    `?X-Amz-Signature=${hex}0`,
    `?a=X-Amz-Signature=${hex}`,
  ];
  for (const query of [...refused, `?X-Amz-Signature=${'g'.repeat(64)}`, `?X-Amz-Signature=${hex.toUpperCase()}`]) {
    for (const method of ['GET', 'HEAD', 'PUT']) {
      const answer = await fetch(`${origin}/b/a.png${query}`, { method, ...(method === 'PUT' && { body: 'x' }) });
      expect([query, method, answer.status]).toEqual([query, method, 403]);
    }
  }
  expect(asked).toEqual([]);
  expect((await fetch(`${origin}/b/a.png?X-Amz-Signature=${hex}`)).status).toBe(200);
  expect(asked).toEqual([`/b/a.png?X-Amz-Signature=${hex}`]);
});

test('a refusal of a part that a file does not have is kept by no cache, as the file would be', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'comfygate-refusals-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, 'a.png');
  await testPicture(8, 8).toFile(path);
  const open = (publicUrl: string) =>
    createFolderStore({ folder: join(folder, 'artifacts'), publicUrl, signingSecret, now: Date.now });
  const handle = createArtifactDownload({ artifacts: open(''), signingSecret, now: Date.now });
  const store = open(await listen((req, res) => void handle(req, res)));
  const file = await fileToStore(path, 'image/png', 'a.png');
  await store.put(key, file, { signal: AbortSignal.timeout(10_000) });
  const options = { filename: 'a.png', contentType: 'image/png', expiresInSeconds: 600, download: false };
  const answer = await fetch(await store.url(key, options), { headers: { range: `bytes=${file.sizeBytes}-` } });
  expect(answer.status).toBe(416);
  expect(answer.headers.get('cache-control')).toBe('no-store');
  for (const name of ['etag', 'last-modified', 'content-disposition']) expect(answer.headers.get(name)).toBeNull();
});

test('a picture whose address ran out while it was made is given, and kept by no cache', async () => {
  const expires = 1_900_000_000;
  const variant = variantKey(key, { format: 'WEBP', width: 16, quality: 80 });
  const handle = createVariantDownload({
    addresses: { verified: () => ({ key: variant, expires, disposition: 'inline', filename: 'a.webp' }) },
    maker: { ensure: async () => ({ sizeBytes: 4, contentType: 'image/webp' }) },
    artifacts: { read: async () => Readable.from([Buffer.from('webp')]) },
    now: () => (expires + 30) * 1000,
    log: silent,
  });
  const origin = await listen((req, res) => void handle(req, res));
  const answer = await fetch(`${origin}/variants/${variant}`);
  expect([answer.status, await answer.text()]).toEqual([200, 'webp']);
  expect(answer.headers.get('cache-control')).toBe('private, max-age=0, immutable');
});
