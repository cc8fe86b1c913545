import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { expect, onTestFinished, test } from 'vitest';
import { sendFault } from '../../../src/http/reply.ts';
import { createStudioPages, type StudioOptions } from '../../../src/http/studio/studio-pages.ts';

const INDEX = '<!doctype html>\n<html lang="en">studio</html>';
const SCRIPT = 'console.log("studio")'.repeat(20);
const html = { accept: 'text/html,*/*;q=0.8' };

/** Serves a studio that has these files. */
async function startStudio(files: Record<string, string | Buffer>, options: Partial<StudioOptions> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'comfygate-studio-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const add = (name: string, bytes: string | Buffer) => writeFile(join(folder, name), bytes);
  for (const [name, bytes] of Object.entries(files)) await add(name, bytes);
  const pages = createStudioPages({ origins: [], tools: true, folder, ...options });
  const server = createServer((req, res) => {
    pages(req.url ?? '', req, res).then(
      (taken) => taken || res.writeHead(404).end('elsewhere'),
      (error) => sendFault(res, error),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    add,
    get: (path: string, headers: HeadersInit = html, method = 'GET') => fetch(url + path, { method, headers }),
  };
}

const BUILT = {
  'index.html': INDEX,
  'index-a1.js': SCRIPT,
  'index-a1.js.gz': gzipSync(SCRIPT),
  'index-a1.js.br': brotliCompressSync(SCRIPT),
};

test('each address of a page is the studio, under a policy that runs its own files alone', async () => {
  const { get } = await startStudio(BUILT, { origins: ['https://comfygate.example.com', 'https://s3.example.com/b'] });
  for (const path of [
    '/',
    '/make',
    '/make/textToImage',
    '/now',
    '/gallery',
    '/gallery/some-id',
    '/servers',
    '/account',
  ]) {
    const answer = await get(path);
    expect([path, answer.status, await answer.text()]).toEqual([path, 200, INDEX]);
    expect(answer.headers.get('cache-control')).toBe('no-cache');
    const policy = answer.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'; ");
    expect(policy).toContain("img-src 'self' blob: data: https://comfygate.example.com https://s3.example.com;");
    expect(policy).not.toContain('unsafe');
  }
});

test('addresses that are no pages, and clients that want none, are left to others', async () => {
  const { get } = await startStudio(BUILT);
  expect(await (await get('/makes')).text()).toBe('elsewhere');
  expect(await (await get('/make/a/b')).text()).toBe('elsewhere');
  expect(await (await get('/', { accept: 'application/json' })).text()).toBe('elsewhere');
});

test('files are kept for good by browsers, in the shortest form that they take', async () => {
  const { get } = await startStudio(BUILT);
  const path = '/studio/index-a1.js';
  for (const [accepted, encoding] of [
    ['gzip, deflate, br', 'br'],
    ['gzip, br;q=0', 'gzip'],
    ['identity', null],
  ] as const) {
    const answer = await get(path, { 'accept-encoding': accepted });
    expect([accepted, answer.headers.get('content-encoding')]).toEqual([accepted, encoding]);
    expect(await answer.text()).toBe(SCRIPT);
    expect(answer.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(answer.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
  }
  const etag = (await get(path)).headers.get('etag') ?? '';
  expect((await get(path, { 'if-none-match': etag })).status).toBe(304);
});

test('nothing but the files of the build is found, and nothing but reading is done', async () => {
  const { get } = await startStudio(BUILT);
  // The page is none of the files that never change.
  for (const name of ['index-b2.js', 'index.html', '..%2Findex.html', 'index-a1.js.gz', '__proto__'])
    expect([name, (await get(`/studio/${name}`)).status]).toEqual([name, 404]);
  expect((await get('/studio/index-a1.js', html, 'PUT')).status).toBe(405);
  const head = await get('/', html, 'HEAD');
  expect([head.status, await head.text(), head.headers.get('content-length')]).toEqual([200, '', String(INDEX.length)]);
});

test('a studio that was not built is said on the page, and there once it is', async () => {
  const { add, get } = await startStudio({});
  const answer = await get('/');
  expect([answer.status, await answer.text()]).toEqual([200, expect.stringContaining('npm run build:studio')]);
  await add('index.html', INDEX);
  expect(await (await get('/')).text()).toBe(INDEX);
});

test('where a gateway shows no GraphiQL and docs, the page says so', async () => {
  const { get } = await startStudio(BUILT, { tools: false });
  expect(await (await get('/')).text()).toContain('<html data-tools="off" lang="en">');
});
