import { SignJWT } from 'jose';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createJwtVerifier, type JwtOptions } from '../../../src/callers/jwt.ts';
import { refusalOf } from '../../../src/callers/refusal.ts';
import { defaultScopes } from '../../../src/callers/scopes.ts';
import { startIssuer } from '../../support/issuer.ts';

// The clock stands still, and moves when a test says so; sockets and their timers go on.
beforeEach(() => void vi.useFakeTimers({ toFake: ['Date', 'performance'] }));
afterEach(() => void vi.useRealTimers());

async function setup(given: Partial<JwtOptions> = {}) {
  const issuer = await startIssuer();
  await issuer.addKey('first');
  const onFault = vi.fn();
  const verifier = createJwtVerifier({
    ...{ issuer: issuer.url, audiences: ['comfygate'], jwksUrl: `${issuer.url}/jwks.json` },
    ...{ algorithms: ['RS256', 'ES256', 'EdDSA'], clockSkewMs: 30_000, callerClaim: 'sub' },
    ...{ planClaim: undefined, scopesClaim: undefined, defaultPlan: 'free', defaultScopes, now: Date.now, onFault },
    ...given,
  });
  return { issuer, verifier, onFault };
}

/** Why a token was refused, or the code of another error. */
async function refusal(verify: () => unknown): Promise<string | undefined> {
  try {
    await verify();
    return undefined;
  } catch (error) {
    return refusalOf(error)?.reason ?? (error as { details?: { code: string } }).details?.code ?? String(error);
  }
}

const inSeconds = (ms: number) => Math.floor((Date.now() + ms) / 1_000);

it('makes each subject of the issuer a caller of its own, and checks a signature only once', async () => {
  const { issuer, verifier } = await setup();
  const exp = inSeconds(3_600_000);
  const token = await issuer.token('first', { exp });
  const identity = await verifier.verify(token);
  expect(identity).toEqual({
    ...{ caller: expect.stringMatching(/^jwt-[\w-]{22}$/), name: 'user-1', plan: 'free', keyId: null, watch: null },
    ...{ scopes: new Set(defaultScopes), expiresAt: exp * 1_000 + 30_000 },
  });
  expect(verifier.verify(token)).toBe(identity);
  expect((await verifier.verify(await issuer.token('first', { exp: exp + 1 }))).caller).toBe(identity.caller);
  expect((await verifier.verify(await issuer.token('first', { sub: 'user-2' }))).caller).not.toBe(identity.caller);
  expect(issuer.asked).toBe(1);
});

it('takes caller, plan and scopes from the claims that are named, within others too', async () => {
  const { issuer, verifier } = await setup({
    ...{ callerClaim: 'org_id', planClaim: 'app_metadata.plan', scopesClaim: 'https://comfygate.example/scopes' },
  });
  const claims = {
    ...{ org_id: 'org-1', name: 'Ada', app_metadata: { plan: 'pro' } },
    'https://comfygate.example/scopes': ['job:read', 'workflow:textToImage', 'read:messages', 7],
  };
  const identity = await verifier.verify(await issuer.token('first', claims));
  expect(identity).toMatchObject({ name: 'Ada', plan: 'pro', scopes: new Set(['job:read', 'workflow:textToImage']) });
  const colleague = await verifier.verify(await issuer.token('first', { ...claims, sub: 'user-2' }));
  expect(colleague.caller).toBe(identity.caller);
  const asText = { ...claims, 'https://comfygate.example/scopes': 'openid job:read' };
  expect((await verifier.verify(await issuer.token('first', asText))).scopes).toEqual(new Set(['job:read']));
  const none = { ...claims, 'https://comfygate.example/scopes': ['admin:everything'] };
  expect((await verifier.verify(await issuer.token('first', none))).scopes).toEqual(new Set());
  const silent = await verifier.verify(await issuer.token('first', { org_id: 'org-1', app_metadata: { plan: 'a b' } }));
  expect(silent).toMatchObject({ plan: 'free', scopes: new Set(defaultScopes) });
  expect(await refusal(async () => verifier.verify(await issuer.token('first')))).toBe('untrusted');
});

it('A49: refuses alg none, HMAC, other audiences, issuers and keys, and what has ended', async () => {
  const { issuer, verifier } = await setup();
  const impostor = await startIssuer();
  await impostor.addKey('first');
  const base64url = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const payload = { iss: issuer.url, aud: 'comfygate', sub: 'user-1', exp: inSeconds(60_000) };
  const hmac = new SignJWT(payload).setProtectedHeader({ alg: 'HS256', kid: 'first' });
  const cases: [string, string, string][] = [
    ['no signature', `${base64url({ alg: 'none' })}.${base64url(payload)}.`, 'malformed'],
    ['alg none with one', `${base64url({ alg: 'none', kid: 'first' })}.${base64url(payload)}.AAAA`, 'untrusted'],
    ['HMAC', await hmac.sign(new TextEncoder().encode('x'.repeat(32))), 'untrusted'],
    ['another audience', await issuer.token('first', { aud: 'other' }), 'untrusted'],
    ['another issuer', await issuer.token('first', { iss: 'https://other.example' }), 'untrusted'],
    ['another key', await impostor.token('first', { iss: issuer.url }), 'untrusted'],
    ['ended', await issuer.token('first', { exp: inSeconds(-31_000) }), 'expired'],
    ['not yet', await issuer.token('first', { nbf: inSeconds(31_000) }), 'untrusted'],
    ['without an end', await issuer.token('first', { exp: undefined }), 'untrusted'],
    ['not a token', 'abc', 'malformed'],
  ];
  for (const [name, token, reason] of cases) {
    expect(await refusal(() => verifier.verify(token)), name).toBe(reason);
  }
  // Within the skew.
  expect(await refusal(async () => verifier.verify(await issuer.token('first', { exp: inSeconds(-29_000) })))).toBe(
    undefined,
  );
});

it('a token that was known ends on time', async () => {
  const { issuer, verifier } = await setup();
  const token = await issuer.token('first', { exp: inSeconds(60_000) });
  await verifier.verify(token);
  vi.advanceTimersByTime(89_000);
  expect(verifier.verify(token)).toMatchObject({ name: 'user-1' });
  vi.advanceTimersByTime(1_000);
  expect(await refusal(() => verifier.verify(token))).toBe('expired');
});

it('follows the issuer to another key, and forgets tokens of one that it takes back', async () => {
  const { issuer, verifier } = await setup();
  const old = await issuer.token('first');
  await verifier.verify(old);
  await issuer.addKey('second', 'EdDSA');
  const fresh = await issuer.token('second');
  // The keys were read a moment ago.
  expect(await refusal(() => verifier.verify(fresh))).toBe('untrusted');
  vi.advanceTimersByTime(10_000);
  expect(await refusal(() => verifier.verify(fresh))).toBeUndefined();
  expect(await verifier.verify(old)).toMatchObject({ name: 'user-1' });

  issuer.withdraw('first');
  const asked = issuer.asked;
  vi.advanceTimersByTime(600_000);
  await verifier.verify(fresh);
  await vi.waitFor(async () => expect(await refusal(() => verifier.verify(old))).toBe('untrusted'));
  expect(issuer.asked).toBe(asked + 1);
});

it('made-up keys do not have the issuer asked again and again', async () => {
  const { issuer, verifier } = await setup();
  const impostor = await startIssuer();
  await impostor.addKey('made up');
  const tokens = await Promise.all(
    Array.from({ length: 50 }, (_, i) => impostor.token('made up', { iss: issuer.url, jti: String(i) })),
  );
  for (const token of tokens) expect(await refusal(() => verifier.verify(token))).toBe('untrusted');
  expect(issuer.asked).toBe(1);
  vi.advanceTimersByTime(10_000);
  await Promise.all(tokens.map(async (token) => expect(await refusal(() => verifier.verify(token))).toBe('untrusted')));
  expect(issuer.asked).toBe(2);
});

it.each([
  ['an error', { status: 503, body: '{}' }],
  ['no JSON', { status: 200, body: '<html>' }],
  ['no keys', { status: 200, body: '{"keys":7}' }],
  ['a megabyte', { status: 200, body: `{"keys":[],"x":"${'x'.repeat(1_000_000)}"}` }],
])('an issuer that answers with %s makes it UNAVAILABLE, and is asked again in five seconds', async (_name, as) => {
  const { issuer, verifier, onFault } = await setup();
  const token = await issuer.token('first');
  issuer.answer(as);
  expect(await refusal(() => verifier.verify(token))).toBe('UNAVAILABLE');
  expect(await refusal(() => verifier.verify(token))).toBe('UNAVAILABLE');
  expect(issuer.asked).toBe(1);
  expect(onFault).toHaveBeenCalledTimes(1);
  issuer.answer(null);
  vi.advanceTimersByTime(5_000);
  expect(await refusal(() => verifier.verify(token))).toBeUndefined();
});

it('keys that are known work for an hour without their issuer', async () => {
  const { issuer, verifier } = await setup();
  await verifier.verify(await issuer.token('first'));
  issuer.answer({ status: 503, body: '' });
  vi.advanceTimersByTime(3_599_000);
  expect(await refusal(async () => verifier.verify(await issuer.token('first', { jti: '1' })))).toBeUndefined();
  vi.advanceTimersByTime(10_000);
  expect(await refusal(async () => verifier.verify(await issuer.token('first', { jti: '2' })))).toBe('UNAVAILABLE');
});
