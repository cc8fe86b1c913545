import { createHmac } from 'node:crypto';
import { expect, it, vi } from 'vitest';
import { newApiKey } from '../../../src/callers/api-key.ts';
import { type Credentials, createAuthenticator } from '../../../src/callers/authenticator.ts';
import { anonymous, type Identity } from '../../../src/callers/identity.ts';
import { createKeyDirectory } from '../../../src/callers/key-directory.ts';
import type { KeyNews, StoredKey } from '../../../src/callers/key-store.ts';
import { refusalOf } from '../../../src/callers/refusal.ts';
import { createSignatureCheck } from '../../../src/callers/request-signature.ts';
import { GatewayError } from '../../../src/core/errors.ts';
import { storedKey } from '../../support/key-store.ts';

const NOW = 1_800_000_000_000;

/** An authenticator of these keys, and what it was asked for. */
function setup(stored: StoredKey[], given: { watch?: Identity; away?: boolean } = {}) {
  const nonces = new Set<string>();
  const store: KeyNews = {
    find: vi.fn(async (ids: readonly string[]) => {
      if (given.away) throw new Error('Connection is closed.');
      return ids.map((id) => stored.find((key) => key.id === id) ?? null);
    }),
    position: async () => '0-0',
    changedSince: async (position) => ({ changed: [], position }),
    onInterrupted: () => undefined,
    touch: async () => undefined,
    takeNonce: async (id, nonce) => {
      if (nonces.has(id + nonce)) return 'replayed';
      nonces.add(id + nonce);
      return nonces.size > 2 ? 'tooMany' : 'taken';
    },
  };
  const now = () => NOW;
  const onResult = vi.fn();
  const directory = createKeyDirectory({ store, now, onFault: () => undefined });
  // What is sealed here is open.
  const signatures = createSignatureCheck({ store, now, seal: { open: (sealed) => sealed } });
  const authenticator = createAuthenticator({
    now,
    keys: { directory, signatures },
    readWatchToken: (token) => (token === 'cgw_good' ? (given.watch ?? null) : null),
    onResult,
    onRedisDown: () => undefined,
  });
  return { authenticator, store, onResult };
}

const bearer = (token: string): Credentials => ({ kind: 'bearer', token });

/** The message, and why it was refused. */
async function refusal(attempt: () => unknown) {
  try {
    await attempt();
  } catch (error) {
    if (error instanceof GatewayError) return { message: error.message, reason: refusalOf(error)?.reason };
    throw error;
  }
  throw new Error('expected a refusal');
}

function sign(
  secret: string,
  keyId: string,
  given: Partial<Extract<Credentials, { kind: 'signed' }>> = {},
): Credentials {
  const timestamp = given.timestamp ?? String(NOW / 1000);
  const nonce = given.nonce ?? 'n'.repeat(16);
  const text = `POST\n/graphql\n${timestamp}\n${nonce}\nhash`;
  const signature = createHmac('sha256', secret).update(text).digest('hex');
  return { kind: 'signed', keyId, timestamp, nonce, text, signature, ...given };
}

it('knows whose key it is, and asks Redis only once for it', async () => {
  const { text, key } = storedKey({ expiresAt: NOW + 1, scopes: ['job:read', 'workflow:textToImage'] });
  const { authenticator, store, onResult } = setup([key]);
  const expected: Identity = {
    ...{ caller: 'acme', name: 'Acme', plan: 'free', keyId: key.id, expiresAt: NOW + 1, watch: null },
    scopes: new Set(['job:read', 'workflow:textToImage'] as const),
  };
  expect(await authenticator.authenticate(bearer(text))).toEqual(expected);
  expect(authenticator.authenticate(bearer(text))).not.toBeInstanceOf(Promise);
  expect(store.find).toHaveBeenCalledTimes(1);
  expect(onResult.mock.calls).toEqual([['ok'], ['ok']]);
});

it('refuses all that is wrong with the same message, and keeps apart why', async () => {
  const revoked = storedKey({ revokedAt: NOW });
  const expired = storedKey({ expiresAt: NOW });
  const signing = storedKey({ signed: true });
  const other = storedKey();
  const { authenticator, onResult } = setup([
    revoked.key,
    expired.key,
    signing.key,
    { ...other.key, hash: '00'.repeat(32) },
  ]);
  const cases: [string, string][] = [
    ['', 'malformed'],
    ['garbage', 'malformed'],
    ['eyJhbGciOiJub25lIn0.e30.', 'malformed'],
    [`${other.text.slice(0, -1)}!`, 'malformed'],
    [`cg_${'x'.repeat(9_000)}`, 'malformed'],
    [newApiKey().text, 'unknown'],
    [other.text, 'unknown'],
    [revoked.text, 'revoked'],
    [expired.text, 'expired'],
    [signing.text, 'not_signed'],
  ];
  const messages = new Set<string>();
  for (const [token, reason] of cases) {
    const refused = await refusal(() => authenticator.authenticate(bearer(token)));
    expect(refused.reason, token).toBe(reason);
    messages.add(refused.message);
  }
  expect(messages.size).toBe(1);
  expect([...messages][0]).not.toMatch(/cg_|revoked|expired|unknown/);
  expect(onResult.mock.calls.flat()).toEqual(cases.map(([, reason]) => reason));
});

it('asks nobody for a token of 8 KB or one with a typo', async () => {
  const { authenticator, store } = setup([]);
  await refusal(() => authenticator.authenticate(bearer(`${newApiKey().text}${'0'.repeat(9_000)}`)));
  await refusal(() => authenticator.authenticate(bearer(newApiKey().text.replace(/.$/, '_'))));
  expect(store.find).not.toHaveBeenCalled();
});

it('says UNAVAILABLE while Redis is away, but knows those whom it has seen', async () => {
  const { text, key } = storedKey();
  const given = { away: false };
  const { authenticator } = setup([key], given);
  await authenticator.authenticate(bearer(text));
  given.away = true;
  expect(authenticator.authenticate(bearer(text))).toMatchObject({ caller: 'acme' });
  await expect(async () => authenticator.authenticate(bearer(newApiKey().text))).rejects.toMatchObject({
    details: { code: 'UNAVAILABLE', retryAfter: 2 },
  });
});

it('takes a signed request once, within five minutes, and only from a key that signs', async () => {
  const { key, signingSecret: secret } = storedKey({ signed: true });
  const plain = storedKey();
  const { authenticator } = setup([{ ...key, sealedSecret: secret }, plain.key]);
  const reasonOf = async (credentials: Credentials) =>
    (await refusal(() => authenticator.authenticate(credentials))).reason;

  expect(await authenticator.authenticate(sign(secret, key.id))).toMatchObject({ caller: 'acme', keyId: key.id });
  expect(await reasonOf(sign(secret, key.id))).toBe('replayed');
  const late = String(NOW / 1000 - 301);
  expect(await reasonOf(sign(secret, key.id, { timestamp: late, nonce: 'b'.repeat(16) }))).toBe('replayed');
  const early = String(NOW / 1000 + 301);
  expect(await reasonOf(sign(secret, key.id, { timestamp: early, nonce: 'c'.repeat(16) }))).toBe('replayed');
  expect(await reasonOf(sign(`${secret}x`, key.id, { nonce: 'd'.repeat(16) }))).toBe('unknown');
  expect(await reasonOf(sign(secret, key.id, { text: 'another text' }))).toBe('unknown');
  expect(await reasonOf(sign(secret, plain.key.id))).toBe('not_signed');
  expect(await reasonOf(sign(secret, 'x'))).toBe('malformed');
  expect(await reasonOf(sign(secret, key.id, { nonce: 'short' }))).toBe('malformed');
  expect(await reasonOf(sign(secret, key.id, { signature: 'zz' }))).toBe('malformed');

  const edge = String(NOW / 1000 - 300);
  expect(
    await authenticator.authenticate(sign(secret, key.id, { timestamp: edge, nonce: 'e'.repeat(16) })),
  ).toBeTruthy();
  await expect(async () =>
    authenticator.authenticate(sign(secret, key.id, { nonce: 'f'.repeat(16) })),
  ).rejects.toMatchObject({ details: { code: 'RATE_LIMITED' } });
});

it('a watch token ends with the key that made it', async () => {
  const { key } = storedKey({ revokedAt: NOW });
  const live = storedKey();
  const watch = (keyId: string | null): Identity => ({ ...anonymous, keyId });
  const credentials: Credentials = { kind: 'watch', token: 'cgw_good' };
  const byNone = setup([], { watch: watch(null) });
  expect(byNone.authenticator.authenticate(credentials)).toEqual(watch(null));
  const byLive = setup([live.key], { watch: watch(live.key.id) });
  expect(await byLive.authenticator.authenticate(credentials)).toEqual(watch(live.key.id));
  const byRevoked = setup([key], { watch: watch(key.id) });
  expect((await refusal(() => byRevoked.authenticator.authenticate(credentials))).reason).toBe('revoked');
  expect((await refusal(() => byNone.authenticator.authenticate({ kind: 'watch', token: 'cgw_bad' }))).reason).toBe(
    'malformed',
  );
});
