import { expect, test } from 'vitest';
import { startTestServer } from '../../support/http-server.ts';

const always = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'content-security-policy': expect.stringContaining("default-src 'none'"),
};
const elsewhere = { ...always, 'x-frame-options': 'DENY' };

test('every answer says that it is shown in no frame and run as nothing', async () => {
  const { server, graphql, post } = await startTestServer();
  const answers = [
    await post({ query: '{ __typename }' }),
    await post('{'),
    await fetch(graphql, { method: 'PUT' }),
    await fetch(graphql, { method: 'OPTIONS' }),
    await fetch(graphql, { headers: { accept: 'text/html' } }),
    await fetch(`${server.url}/healthz`),
    await fetch(`${server.url}/nothing`),
    await fetch(`${server.url}/`, { headers: { accept: 'text/html' }, redirect: 'manual' }),
  ];
  for (const { url, status, headers } of answers) {
    expect({ url, status, ...Object.fromEntries(headers) }).toMatchObject({ url, status, ...elsewhere });
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(headers.get('strict-transport-security')).toBeNull();
  }
});

test('GraphQL and health can be found by pages of other origins without CORS, and nothing else', async () => {
  const { server, graphql, post } = await startTestServer();
  const policyOf = ({ headers }: Response) => headers.get('cross-origin-resource-policy');
  expect(policyOf(await post({ query: '{ __typename }' }))).toBeNull();
  expect(policyOf(await fetch(`${graphql}?query={__typename}`))).toBeNull();
  expect(policyOf(await fetch(`${server.url}/healthz`))).toBeNull();
  expect(policyOf(await fetch(`${server.url}/nothing`))).toBe('same-origin');
});

test('files may be shown by pages of any origin, also where these isolate themselves', async () => {
  const { server } = await startTestServer({
    artifacts: {
      path: '/artifacts/',
      async serve(_req, res) {
        res.end('file');
        return true;
      },
    },
  });
  const { headers } = await fetch(`${server.url}/artifacts/a`);
  expect(Object.fromEntries(headers)).toMatchObject({ ...always, 'cross-origin-resource-policy': 'cross-origin' });
  expect(headers.get('x-frame-options')).toBeNull();
});

test('where the gateway is known by https, browsers are told to come by nothing else', async () => {
  const { post } = await startTestServer({ publicUrl: 'https://comfygate.example.com' });
  const { headers } = await post({ query: '{ __typename }' });
  expect(headers.get('strict-transport-security')).toBe('max-age=31536000');
});

test('where GraphiQL is switched off, a browser gets the studio alone', async () => {
  const { server, graphql } = await startTestServer({ graphiql: false });
  const headers = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
  const answer = await fetch(graphql, { headers });
  expect(answer.headers.get('content-type')).not.toContain('html');
  expect([answer.status, await answer.text()]).toEqual([expect.any(Number), expect.not.stringContaining('<html')]);
  // The studio is there all the same: it does nothing that a caller cannot do.
  expect((await fetch(server.url, { headers, redirect: 'manual' })).status).toBe(200);
  expect((await fetch(`${server.url}/docs`, { headers })).status).toBe(404);
});
