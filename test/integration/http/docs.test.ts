import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { addressOf, fileAt } from '../../../src/http/docs/docs-pages.ts';
import { startTestServer } from '../../support/http-server.ts';

const root = new URL('../../../', import.meta.url);

test('begins with the README, whose links lead on to pages and pictures', async () => {
  const { server } = await startTestServer();
  const answer = await fetch(`${server.url}/docs`);
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
  const page = await answer.text();
  expect(page).toContain('<title>comfygate</title>');
  expect(page).toContain('<a href="/docs/clients">');
  expect(page).toContain('<img src="/docs/graphiql.png"');
});

test('every link of every page to the gateway leads to what is there, and to a heading of it', async () => {
  const { server } = await startTestServer();
  const pages = readdirSync(new URL('docs', root)).filter((name) => name.endsWith('.md'));
  expect(pages.length).toBeGreaterThan(20);
  const seen = new Map<string, string>();
  const read = async (path: string) => {
    const known = seen.get(path);
    if (known !== undefined) return known;
    const answer = await fetch(`${server.url}${path}`);
    expect(answer.status, path).toBe(200);
    const text = await answer.text();
    seen.set(path, text);
    return text;
  };
  const paths = ['/docs', ...pages.map((name) => `/docs/${name.replace('.md', '')}`)];
  for (const path of paths) {
    const page = await read(path);
    const links = [...page.matchAll(/(?:href|src)="([/#][^"]*)"/g)].map(
      ([, link = '']) => new URL(link, `http://h${path}`),
    );
    for (const { pathname, hash } of links) {
      const target = await read(pathname);
      if (hash) expect(target, `${path} -> ${pathname}${hash}`).toContain(`id="${decodeURIComponent(hash.slice(1))}"`);
    }
  }
});

test('shows examples as text, and nothing else of the machine', async () => {
  const { server } = await startTestServer();
  const example = await fetch(`${server.url}/docs/examples/generate.ts`);
  expect(example.headers.get('content-type')).toBe('text/plain; charset=utf-8');
  expect(await example.text()).toContain('createComfy');
  const others = [
    'package',
    'none',
    '..%2fpackage.json',
    'examples/../package.json',
    'examples/..%2f..%2fpackage.json',
  ];
  for (const path of [...others, 'examples/none.ts', 'Clients', 'clients.md', 'graphiql.jpg', 'clients/']) {
    const answer = await fetch(`${server.url}/docs/${path}`);
    expect([path, answer.status]).toEqual([path, 404]);
    expect(await answer.text()).toContain('/docs lists them');
  }
});

test('is asked for by GET, sent once to a browser that keeps it, and may load nothing from elsewhere', async () => {
  const { server } = await startTestServer();
  const address = `${server.url}/docs/errors`;
  const first = await fetch(address);
  expect(first.headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'sha256-[^;]*; img-src/);
  const etag = first.headers.get('etag') ?? '';
  expect((await fetch(address, { headers: { 'if-none-match': etag } })).status).toBe(304);
  expect((await fetch(address, { method: 'HEAD' })).headers.get('content-length')).toBe(
    first.headers.get('content-length'),
  );
  const posted = await fetch(address, { method: 'POST', body: '{}' });
  expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
});

test.each([
  ['/docs', 'README.md'],
  ['/docs/', 'README.md'],
  ['/docs/s3', 'docs/s3.md'],
  ['/docs/examples/apollo/generate.ts', 'examples/apollo/generate.ts'],
  ['/docs/../package.json', null],
  ['/docs/examples/../../package.json', null],
  ['/docs/examples/.env.ts', null],
])('%s shows %s', (path, file) => expect(fileAt(path)).toBe(file));

test.each([
  ['docs/clients.md', 'README.md', '/docs/clients'],
  ['errors.md#codes', 'docs/clients.md', '/docs/errors#codes'],
  ['../README.md', 'docs/clients.md', '/docs'],
  ['../examples/generate.ts', 'docs/first-page.md', '/docs/examples/generate.ts'],
  ['#top', 'docs/clients.md', '#top'],
  ['https://example.org/a', 'README.md', 'https://example.org/a'],
  ['../test/chaos/faults.ts', 'docs/reliability.md', null],
  ['javascript:alert(1)', 'README.md', null],
])('a link to %s in %s leads to %s', (link, file, address) => expect(addressOf(link, file)).toBe(address));
