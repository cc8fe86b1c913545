import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { credentialsInParams, readCredentials, withBody } from '../../../src/http/credentials.ts';
import { HttpFault } from '../../../src/http/reply.ts';

const KEY = `cg_${'a'.repeat(12)}_${'b'.repeat(32)}_${'c'.repeat(6)}`;
const JWT = `eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJtZSJ9.${'s'.repeat(40)}`;

function request(url: string, authorization?: string | string[], changes: Partial<IncomingMessage> = {}) {
  const req = Object.assign(new IncomingMessage(new Socket()), { url, method: 'GET' }, changes);
  const sent = authorization === undefined ? [] : [authorization].flat();
  req.rawHeaders = sent.flatMap((each) => ['Authorization', each]);
  if (sent[0] !== undefined) req.headers.authorization = sent[0];
  return req;
}

function faultOf(work: () => unknown): HttpFault {
  try {
    work();
  } catch (error) {
    if (error instanceof HttpFault) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

const unknown = { kind: 'bearer', token: '' };

describe('Authorization', () => {
  test.each([
    [`Bearer ${KEY}`, { kind: 'bearer', token: KEY }],
    [`bearer  ${JWT} `, { kind: 'bearer', token: JWT }],
    ['Bearer cgw_x.y', { kind: 'watch', token: 'cgw_x.y' }],
    ['Basic YTpi', unknown],
    ['Bearer', unknown],
    ['', unknown],
    [`Bearer ${'x'.repeat(9_000)}`, unknown],
    [
      'Comfygate-HMAC-SHA256 keyId=k1, timestamp=1700000000, nonce="n-1", signature=ab+/==',
      { kind: 'signed', keyId: 'k1', timestamp: '1700000000', nonce: 'n-1', signature: 'ab+/==' },
    ],
    ['Comfygate-HMAC-SHA256 keyId=k1,timestamp=1,nonce=n', unknown],
    ['Comfygate-HMAC-SHA256 keyId=k1,keyId=k2,timestamp=1,nonce=n,signature=s', unknown],
    ['Comfygate-HMAC-SHA256 keyId=k1,timestamp=1,nonce=n,signature=s,extra=1', unknown],
    [`Comfygate-HMAC-SHA256 keyId=k1,timestamp=1,nonce=${'n'.repeat(300)},signature=s`, unknown],
  ])('%s', (header, credentials) => {
    expect(readCredentials(request('/graphql', header))).toEqual(credentials);
  });

  test('none is null, and two are refused', () => {
    expect(readCredentials(request('/graphql'))).toBeNull();
    expect(faultOf(() => readCredentials(request('/graphql', [`Bearer ${KEY}`, 'Bearer x']))).status).toBe(400);
  });

  test('any text at all is somebody or nobody, and never an unexpected error', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (header, query) => {
        try {
          readCredentials(request(`/graphql?${query}`, header));
        } catch (error) {
          expect(error).toBeInstanceOf(HttpFault);
        }
      }),
    );
  });
});

describe('A42: the address', () => {
  test.each([
    `/graphql?key=${KEY}`,
    `/graphql?query={x}&access_token=${JWT}`,
    `/graphql/${KEY}`,
    `/graphql?key=${KEY.replace('cg_', 'cg%5F')}`,
    `/graphql?token=${JWT.replaceAll('.', '%2e')}`,
    `/graphql?watchToken=${KEY}`,
    `/graphql?authorization=Bearer%20${KEY}`,
  ])('%s is refused, and told why', (url) => {
    const fault = faultOf(() => readCredentials(request(url)));
    expect(fault).toMatchObject({ status: 401, code: 'UNAUTHENTICATED', headers: { 'WWW-Authenticate': 'Bearer' } });
    expect(fault.message).toMatch(/not taken in an address/);
    expect(fault.message).not.toContain(KEY.slice(3, 15));
  });

  test.each([
    ['/graphql?watchToken=cgw_a.b&query={x}', '/graphql?query={x}'],
    ['/graphql?query={x}&watchToken=cgw_a%2Eb', '/graphql?query={x}'],
    ['/graphql?watchToken=cgw_a.b', '/graphql?'],
  ])('of %s a watch token is taken, and the rest is left', (url, rest) => {
    const req = request(url);
    expect(readCredentials(req)).toEqual({ kind: 'watch', token: 'cgw_a.b' });
    expect(req.url).toBe(rest);
  });

  test('a watch token is taken once, and of a GET alone', () => {
    const url = '/graphql?watchToken=cgw_a.b';
    expect(faultOf(() => readCredentials(request(`${url}&watchToken=cgw_c.d`))).status).toBe(400);
    expect(faultOf(() => readCredentials(request(url, `Bearer ${KEY}`))).status).toBe(400);
    expect(faultOf(() => readCredentials(request(url, undefined, { method: 'POST' }))).status).toBe(401);
    const upgrade = request(url);
    upgrade.headers.upgrade = 'websocket';
    expect(faultOf(() => readCredentials(upgrade)).message).toMatch(/connectionParams/);
  });
});

test.each([
  [undefined, null],
  [{}, null],
  [{ authorization: null }, null],
  [{ authorization: `Bearer ${KEY}` }, { kind: 'bearer', token: KEY }],
  [{ Authorization: `Bearer ${KEY}` }, { kind: 'bearer', token: KEY }],
  [{ authorization: 'Bearer cgw_a.b' }, { kind: 'watch', token: 'cgw_a.b' }],
  [{ watchToken: 'cgw_a.b' }, { kind: 'watch', token: 'cgw_a.b' }],
  [{ watchToken: KEY }, { kind: 'watch', token: KEY }],
  [{ authorization: `Bearer ${KEY}`, watchToken: 'cgw_a.b' }, unknown],
  [{ authorization: 7 }, unknown],
  [{ authorization: 'Comfygate-HMAC-SHA256 keyId=k,timestamp=1,nonce=n,signature=s' }, unknown],
])('connectionParams %o', (params, credentials) => {
  expect(credentialsInParams(params)).toEqual(credentials);
});

test('what was signed is method, path with query, timestamp, nonce and the hash of the body', () => {
  const signed = { kind: 'signed', keyId: 'k', timestamp: '1700000000', nonce: 'n', signature: 's' } as const;
  const { text } = withBody(signed, request('/graphql?a=b', undefined, { method: 'POST' }), '{"query":"é"}');
  expect(text.split('\n')).toEqual([
    'POST',
    '/graphql?a=b',
    '1700000000',
    'n',
    // printf '{"query":"é"}' | sha256sum
    '1c8ec46a558696cbc7b727a544f1cdb44d3af0396c53a66f37b2f40bc71fe888',
  ]);
});
