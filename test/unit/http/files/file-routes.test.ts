import type { IncomingMessage, ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import { refuse } from '../../../../src/http/files/refusals.ts';
import { startTestServer } from '../../../support/http-server.ts';

const page = { origin: 'https://any.example' };

/** The real server before a route of files whose only answer is this one. */
async function serving(answer: (req: IncomingMessage, res: ServerResponse) => void) {
  const route = (path: string) => ({
    path,
    serve: async (req: IncomingMessage, res: ServerResponse) => {
      answer(req, res);
      return true;
    },
  });
  const { server } = await startTestServer({ artifacts: route('/artifacts/'), variants: route('/variants/') });
  return ['/artifacts/a.png', '/variants/a.webp'].map((path) => `${server.url}${path}`);
}

test('a page of any origin reads a file at its address, and parts of it, without credentials', async () => {
  for (const url of await serving((_, res) => void res.end('file'))) {
    for (const method of ['GET', 'HEAD']) {
      const { status, headers } = await fetch(url, { method, headers: page });
      expect(status).toBe(200);
      expect(headers.get('access-control-allow-origin')).toBe('*');
      expect(headers.get('access-control-allow-credentials')).toBeNull();
      expect(headers.get('cross-origin-resource-policy')).toBe('cross-origin');
      const exposed = headers.get('access-control-expose-headers')?.split(', ');
      expect(exposed).toEqual(expect.arrayContaining(['Content-Range', 'Accept-Ranges', 'Content-Length', 'ETag']));
    }
  }
});

test('a page that asks before it reads may send the headers of a part and of a condition', async () => {
  for (const url of await serving((_, res) => void res.end('file'))) {
    const { status, headers } = await fetch(url, {
      method: 'OPTIONS',
      headers: {
        ...page,
        'access-control-request-method': 'GET',
        'access-control-request-headers': 'if-none-match, range',
      },
    });
    expect(status).toBe(204);
    expect(headers.get('access-control-allow-origin')).toBe('*');
    expect(headers.get('access-control-allow-methods')).toBe('GET, HEAD');
    expect(headers.get('access-control-allow-headers')?.split(', ')).toEqual(
      expect.arrayContaining(['*', 'Range', 'If-None-Match']),
    );
  }
});

test('a page can read why it does not get a file', async () => {
  for (const url of await serving((_, res) => void refuse(res, 'absent'))) {
    const { status, headers } = await fetch(url, { headers: page });
    expect([status, headers.get('access-control-allow-origin')]).toEqual([404, '*']);
  }
  const throwing = await serving(() => {
    throw new Error('broken');
  });
  for (const url of throwing) {
    const { status, headers } = await fetch(url, { headers: page });
    expect([status, headers.get('access-control-allow-origin')]).toEqual([500, '*']);
  }
});
