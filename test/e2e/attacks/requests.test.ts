import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTarget, type Target } from '../../support/attack.ts';
import { disposals } from '../../support/disposals.ts';

const typename = '{"query":"{__typename}"}';
const json = `Content-Type: application/json\r\nContent-Length: ${typename.length}\r\n`;

describe('requests that attack', { timeout: 60_000 }, () => {
  const suite = disposals();
  let target: Target;
  /** A signed address of a picture. */
  let address: URL;

  beforeAll(async () => {
    target = await openTarget(suite);
    const { id } = await target.gateway.generate();
    const [artifact] = (await target.gateway.watch(id).end()).job.artifacts;
    address = new URL(artifact?.url ?? '');
  }, 120_000);
  afterAll(() => target.expectUnharmed());

  const statusOf = async (request: string) => (await target.wire(request)).split(' ')[1];
  const get = (path: string, headers = 'Host: localhost\r\n') =>
    `GET ${path} HTTP/1.1\r\n${headers}Connection: close\r\n\r\n`;

  it.each<[string, string, string]>([
    ['a length and chunks', 'Content-Length: 24\r\nTransfer-Encoding: chunked\r\n', '400'],
    ['two lengths', 'Content-Length: 24\r\nContent-Length: 25\r\n', '400'],
    ['a negative length', 'Content-Length: -5\r\n', '400'],
    ['a folded header', 'X-Request-ID: a\r\n b\r\n', '400'],
    ['20 KB of headers', `X: ${'a'.repeat(20_000)}\r\n`, '431'],
  ])('%s: refused', async (_name, headers, status) => {
    expect(await statusOf(`POST /graphql HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n0\r\n\r\n`)).toBe(status);
  });

  it('pipelined requests are each answered, in order', async () => {
    const post = (more = '') => `POST /graphql HTTP/1.1\r\nHost: localhost\r\n${json}${more}\r\n${typename}`;
    const text = await target.wire(post() + post() + post('Connection: close\r\n'));
    expect(text.match(/HTTP\/1\.1 200 /g)).toHaveLength(3);
  });

  it('bytes that are no HTTP are 400', async () => {
    expect(await statusOf('\0\x01\r\n\r\n')).toBe('400');
    expect(await statusOf('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')).toBe('400');
  });

  it('addresses in absolute form are taken, and their host counts', async () => {
    const path = '/graphql?query={__typename}';
    expect(await statusOf(get(`http://localhost${path}`))).toBe('200');
    expect(await statusOf(get(`http://evil.example${path}`))).toBe('421');
    expect(await statusOf(get(path, 'Host: evil.example\r\n'))).toBe('421');
    expect(await statusOf(get(path, 'Host: localhost@evil.example\r\n'))).toBe('421');
  });

  it('paths are what they say', async () => {
    for (const path of ['//graphql', '/graphql/', '/%67raphql', '/x/../graphql', '/%E0%A4%A', '/metrics', '*']) {
      expect(await statusOf(get(path))).toBe('404');
    }
    for (const path of ['/healthz', '/readyz', '/health']) expect(await statusOf(get(path))).toBe('200');
  });

  it('a client that offers HTTP/2 is answered all the same', async () => {
    const offer = 'Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n';
    expect(await statusOf(`POST /graphql HTTP/1.1\r\nHost: localhost\r\n${offer}${json}\r\n${typename}`)).toBe('200');
  });

  it('A51 pages of foreign origins get no answer, and no header that would let them read one', async () => {
    for (const origin of ['http://evil.example', 'null', 'http://localhost.evil.example', '']) {
      const headers = `Host: localhost\r\nOrigin: ${origin}\r\n${json}Connection: close\r\n`;
      const text = await target.wire(`POST /graphql HTTP/1.1\r\n${headers}\r\n${typename}`);
      expect(text).toMatch(/^HTTP\/1\.1 403 /);
      expect(text).not.toMatch(/access-control/i);
    }
  });

  it('a request id is believed only when it is harmless', async () => {
    for (const id of ['bad id', 'a'.repeat(65), 'x%0d%0aSet-Cookie:a', '<script>']) {
      expect(await target.wire(get('/healthz', `X-Request-ID: ${id}\r\nHost: localhost\r\n`))).not.toContain(id);
    }
    expect(await target.wire(get('/healthz', 'X-Request-ID: ok.1-_\r\nHost: localhost\r\n'))).toContain('ok.1-_');
  });

  it('A61 a signed address that was altered in any way is 403', async () => {
    expect((await fetch(address)).status).toBe(200);
    const altered: URL[] = [];
    for (const [name, value] of address.searchParams) {
      for (const other of [null, '', `${value}x`, value.replace(/.$/, (last) => (last === '1' ? '2' : '1'))]) {
        const url = new URL(address);
        if (other === null) url.searchParams.delete(name);
        else url.searchParams.set(name, other);
        altered.push(url);
      }
      altered.push(new URL(`${address.href}&${name}=x`));
    }
    altered.push(new URL(`${address.href}&more=1`), new URL(address.pathname, address));
    for (const url of altered) expect((await fetch(url)).status).toBe(403);
  });

  it('A61 no path leads out of the artifacts', async () => {
    const { pathname, search } = address;
    const paths = ['/artifacts/../../../etc/passwd', '/artifacts/%2e%2e/%2e%2e/etc/passwd', '/artifacts/..%5c..%5cetc'];
    paths.push(`${pathname}%00`, `${pathname}%`, `${pathname}/`, pathname.replace('/artifacts/', '/artifacts//'));
    paths.push(pathname.replace('jobs/', 'jobs%2F'), '/artifacts/', `/artifacts/${'a'.repeat(10_000)}`);
    for (const path of paths) expect(await statusOf(get(path + search))).toBe('403');
  });

  it('A60, A62 pictures come with no type that a browser would guess, and no page may run in them', async () => {
    const { headers } = await fetch(address);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    for (const range of ['bytes=5-2', 'bytes=abc', `bytes=${'0-0,'.repeat(500)}`]) {
      expect((await fetch(address, { headers: { range } })).status).toBe(200);
    }
    expect((await fetch(address, { headers: { range: 'bytes=99999999-' } })).status).toBe(416);
    expect((await fetch(address, { method: 'POST' })).status).toBe(405);
  });
});
