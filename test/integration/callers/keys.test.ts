import { createHmac, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { newApiKey } from '../../../src/callers/api-key.ts';
import { type Credentials, createAuthenticator } from '../../../src/callers/authenticator.ts';
import { createKeyDirectory } from '../../../src/callers/key-directory.ts';
import { createKeyOperator, type KeyRequest } from '../../../src/callers/keys.ts';
import { createRedisKeys, type RedisKeysOptions } from '../../../src/callers/redis/redis-keys.ts';
import { refusalOf } from '../../../src/callers/refusal.ts';
import { createSignatureCheck } from '../../../src/callers/request-signature.ts';
import { defaultScopes } from '../../../src/callers/scopes.ts';
import { createSessions } from '../../../src/callers/sessions.ts';
import { sha256 } from '../../../src/core/canonical-json.ts';
import { createSeal } from '../../../src/job-record/seal.ts';
import { redisNow } from '../../../src/redis/clock.ts';
import { closeRedis, connectRedis, whenReady } from '../../../src/redis/connection.ts';
import { createKeys } from '../../../src/redis/keys.ts';
import { disposals } from '../../support/disposals.ts';
import { silent } from '../../support/gateway-store.ts';
import { startTestRedis, type TestRedis } from '../../support/redis.ts';

let server: TestRedis;
beforeAll(async () => {
  server = await startTestRedis();
});
afterAll(() => server.close());

const request: KeyRequest = {
  ...{ caller: 'acme', name: 'Acme', plan: 'free', scopes: defaultScopes, lifeMs: null, signed: false },
};
const bearer = (token: string): Credentials => ({ kind: 'bearer', token });

/** An operator and any number of gateways on one installation. */
async function setup({ url = server.url, ...options }: RedisKeysOptions & { url?: string } = {}) {
  const keys = createKeys(`test-${randomUUID()}`);
  const seal = createSeal('x'.repeat(32), 'test');
  const undo: (() => Promise<void>)[] = [];

  async function connect() {
    const calls = new Map<string, number>();
    const onCall = (command: string) => void calls.set(command, (calls.get(command) ?? 0) + 1);
    const redis = connectRedis({ url, role: 'request', log: silent, onCall });
    undo.push(() => closeRedis(redis));
    await whenReady(redis);
    return { redis, calls, store: createRedisKeys(redis, keys, options) };
  }

  async function gateway() {
    const { redis, calls, store } = await connect();
    const offset = (await redisNow(redis)) - performance.now();
    const now = () => Math.floor(performance.now() + offset);
    const directory = createKeyDirectory({ store, now, onFault: () => undefined });
    await directory.start();
    undo.push(directory.close);
    const authenticator = createAuthenticator({
      now,
      keys: { directory, signatures: createSignatureCheck({ store, seal, now }) },
      readWatchToken: () => null,
      onRedisDown: () => undefined,
    });
    const sessions = createSessions({ directory, now, onFault: () => undefined });
    /** `ok`, or why the key is refused. */
    const login = async (credentials: Credentials) => {
      try {
        await authenticator.authenticate(credentials);
        return 'ok';
      } catch (error) {
        const code = (error as { details?: { code: string } }).details?.code;
        return refusalOf(error)?.reason ?? code ?? String(error);
      }
    };
    return { redis, calls, store, directory, authenticator, sessions, login };
  }

  const { redis, store } = await connect();
  const close = async () => {
    for (const each of undo.reverse()) await each();
  };
  return { operator: createKeyOperator(store, seal), redis, store, keys, gateway, close };
}

describe('API keys in Redis', () => {
  const { onTestFinished } = disposals();
  async function open(options: RedisKeysOptions = {}) {
    const opened = await setup(options);
    onTestFinished(opened.close);
    return opened;
  }

  it('are kept without what could be used as one, and listed without their hash', async () => {
    const { operator, redis, keys } = await open();
    const { text, key, signingSecret } = await operator.create({ ...request, signed: true, lifeMs: 86_400_000 });
    expect(key).toMatchObject({ state: 'active', caller: 'acme', expiresAt: key.createdAt + 86_400_000, signed: true });
    const everything = JSON.stringify(await redis.hgetall(keys.apiKey(key.id)));
    for (const secret of [text, text.split('_')[2], signingSecret]) expect(everything).not.toContain(secret);
    const listed = await operator.list();
    expect(listed).toEqual([key]);
    expect(Object.keys(listed[0] ?? {})).not.toEqual(expect.arrayContaining(['hash']));
    expect(await operator.show(key.id)).toEqual({ is: 'key', key });
    expect(await operator.show(text)).toEqual({ is: 'key', key });
  });

  it('show tells a typo, an unknown, a revoked and an expired one apart', async () => {
    const { operator, redis, keys } = await open();
    const { text, key } = await operator.create(request);
    expect(await operator.show(text.replace(/.$/, '_'))).toEqual({ is: 'typo' });
    expect(await operator.show('password')).toEqual({ is: 'none' });
    const other = newApiKey();
    expect(await operator.show(other.text)).toEqual({ is: 'unknown', id: other.id });
    expect(await operator.show(other.id)).toEqual({ is: 'unknown', id: other.id });
    await operator.revoke(key.id);
    expect(await operator.show(text)).toMatchObject({ is: 'key', key: { state: 'revoked' } });
    const short = await operator.create({ ...request, lifeMs: 1 });
    await vi.waitFor(async () => expect(await operator.show(short.text)).toMatchObject({ key: { state: 'expired' } }));
    await redis.hset(keys.apiKey(key.id), 'hash', '00'.repeat(32));
    expect(await operator.show(text)).toEqual({ is: 'other', id: key.id });
  });

  it('are forgotten 30 days after their end, and those that live never', async () => {
    const { operator, redis, keys } = await open();
    const { key } = await operator.create(request);
    expect(await redis.pttl(keys.apiKey(key.id))).toBe(-1);
    await operator.revoke(key.id);
    const month = 30 * 86_400_000;
    expect(await redis.pttl(keys.apiKey(key.id))).toBeGreaterThan(month - 60_000);
    expect(await redis.pttl(keys.apiKey(key.id))).toBeLessThanOrEqual(month);
    expect(Number(await redis.zscore(keys.apiKeys, key.id)) - month).toBeCloseTo(
      (await operator.revoke(key.id)).revokedAt ?? 0,
      -1,
    );
  });

  it('are bounded for a caller by those that live, and for all', async () => {
    const { operator } = await open({ mostOfCaller: 2, most: 4 });
    const made = [await operator.create(request), await operator.create(request)];
    const tooMany = { details: { code: 'LIMIT_EXCEEDED' } };
    await expect(operator.create(request)).rejects.toMatchObject({ ...tooMany, message: /caller has/ });
    await operator.revoke(made[0]?.key.id ?? '');
    await operator.create(request);
    await operator.create({ ...request, caller: 'other' });
    await expect(operator.create({ ...request, caller: 'third' })).rejects.toMatchObject({
      ...tooMany,
      message: /there are/,
    });
    expect(await operator.list()).toHaveLength(4);
  });

  it('of a rotation both live for the overlap, and what is theirs is the same', async () => {
    const { operator, gateway } = await open();
    const { login } = await gateway();
    const first = await operator.create({ ...request, plan: 'pro', scopes: ['job:read'], lifeMs: 3_600_000 });
    const second = await operator.rotate(first.key.id, { overlapMs: 86_400_000 });
    const { id: _, createdAt, expiresAt, ...rights } = second.key;
    expect(first.key).toMatchObject(rights);
    expect(expiresAt).toBe(createdAt + 3_600_000);
    expect(await login(bearer(first.text))).toBe('ok');
    expect(await login(bearer(second.text))).toBe('ok');
    // It ends by itself before the overlap does.
    expect(await operator.show(first.key.id)).toMatchObject({ key: { state: 'ending' } });
    await expect(operator.rotate(first.key.id, { overlapMs: 0 })).rejects.toMatchObject({
      details: { code: 'CONFLICT' },
    });

    const third = await operator.rotate(second.key.id, { overlapMs: 0 });
    await vi.waitFor(async () => expect(await login(bearer(second.text))).toBe('revoked'));
    expect(await login(bearer(third.text))).toBe('ok');
    await operator.revoke(first.key.id);
    await vi.waitFor(async () => expect(await login(bearer(first.text))).toBe('revoked'));
    await expect(operator.rotate(newApiKey().id, { overlapMs: 0 })).rejects.toMatchObject({
      details: { code: 'NOT_FOUND' },
    });
    await expect(operator.revoke(newApiKey().id)).rejects.toMatchObject({ details: { code: 'NOT_FOUND' } });
  });

  it('A53: a revoked one is dead at every gateway, and what it opened ends', async () => {
    const { operator, gateway } = await open();
    const { text, key } = await operator.create(request);
    const other = await operator.create(request);
    const gateways = [await gateway(), await gateway()];
    const ends = gateways.map(() => vi.fn());
    const stays = vi.fn();
    for (const [i, { authenticator, sessions }] of gateways.entries()) {
      sessions.follow(await authenticator.authenticate(bearer(text)), ends[i] ?? stays);
      sessions.follow(await authenticator.authenticate(bearer(other.text)), stays);
    }
    await operator.revoke(key.id);
    // Twice what a look takes: a second, as long as this machine is not busy.
    await vi.waitFor(() => expect(ends.map((end) => end.mock.calls.length)).toEqual([1, 1]));
    for (const { login } of gateways) {
      expect(await login(bearer(text))).toBe('revoked');
      expect(await login(bearer(other.text))).toBe('ok');
    }
    expect(stays).not.toHaveBeenCalled();
  });

  it('a known one costs no call of Redis, and its use is written once a minute', async () => {
    const { operator, gateway } = await open();
    const { text, key } = await operator.create(request);
    const { login, calls, directory, store } = await gateway();
    const touch = vi.spyOn(store, 'touch');
    await login(bearer(text));
    const reads = calls.get('hgetall');
    for (let i = 0; i < 100; i++) await login(bearer(text));
    expect(calls.get('hgetall')).toBe(reads);
    await directory.close();
    await directory.close();
    expect(touch.mock.calls).toEqual([[[key.id]]]);
    expect((await operator.list())[0]?.lastUsedAt).toBeGreaterThanOrEqual(key.createdAt);
  });

  it('a use does not bring back one that is gone', async () => {
    const { operator, store, redis, keys } = await open();
    const { key } = await operator.create(request);
    await redis.del(keys.apiKey(key.id));
    await store.touch([key.id]);
    expect(await redis.exists(keys.apiKey(key.id))).toBe(0);
    expect(await operator.list()).toEqual([]);
  });

  it('10,000 made-up ones cost few round trips, put out none that is known, and are then refused at once', async () => {
    const { operator, gateway } = await open();
    const { text } = await operator.create(request);
    const { login, store, directory } = await gateway();
    await login(bearer(text));
    const find = vi.spyOn(store, 'find');
    const madeUp = Array.from({ length: 10_000 }, () => newApiKey().text);
    // Each is asked for by many at the same time.
    for (let i = 0; i < madeUp.length; i += 1_000) {
      const some = madeUp.slice(i, i + 1_000);
      const results = await Promise.all([...some, ...some].map((token) => login(bearer(token))));
      expect(new Set(results)).toEqual(new Set(['unknown']));
    }
    expect(find.mock.calls.flatMap(([ids]) => ids)).toHaveLength(10_000);
    expect(find.mock.calls.length).toBeLessThan(100);
    expect(directory.get(text.slice(3, 15))).not.toBeInstanceOf(Promise);
    find.mockClear();
    for (const token of madeUp.slice(-1_000)) expect(await login(bearer(token))).toBe('unknown');
    expect(find).not.toHaveBeenCalled();
  });

  it('more than can wait to be looked for are told so, and later ones are not', async () => {
    const { gateway } = await open();
    const { login } = await gateway();
    const results = await Promise.all(Array.from({ length: 2_500 }, () => login(bearer(newApiKey().text))));
    expect(results.filter((result) => result === 'UNAVAILABLE').length).toBeGreaterThan(0);
    expect(results.filter((result) => result === 'unknown').length).toBeGreaterThanOrEqual(2_000);
    expect(await login(bearer(newApiKey().text))).toBe('unknown');
  });

  it('a key that is made after it was asked for is taken', async () => {
    const { operator, gateway, store } = await open();
    const { login } = await gateway();
    const { text, key } = await operator.create(request);
    const [stored] = await store.find([key.id]);
    const late = newApiKey();
    expect(await login(bearer(late.text))).toBe('unknown');
    if (!stored) throw new Error('no key');
    await store.add({ ...request, id: late.id, hash: sha256(late.text), sealedSecret: null });
    await vi.waitFor(async () => expect(await login(bearer(late.text))).toBe('ok'));
    expect(await login(bearer(text))).toBe('ok');
  });

  it('of a signed request a nonce is taken once at all gateways, and so many of a key', async () => {
    const { operator, gateway } = await open({ mostNonces: 2 });
    const { key, signingSecret } = await operator.create({ ...request, signed: true });
    const [first, second] = [await gateway(), await gateway()];
    const timestamp = String(Math.floor((await operator.create(request)).key.createdAt / 1_000));
    const signed = (nonce: string): Credentials => {
      const text = `GET\n/graphql\n${timestamp}\n${nonce}\n`;
      const signature = createHmac('sha256', signingSecret ?? '')
        .update(text)
        .digest('hex');
      return { kind: 'signed', keyId: key.id, timestamp, nonce, text, signature };
    };
    expect(await first.login(signed('a'.repeat(16)))).toBe('ok');
    expect(await second.login(signed('a'.repeat(16)))).toBe('replayed');
    expect(await second.login(signed('b'.repeat(16)))).toBe('ok');
    expect(await first.login(signed('c'.repeat(16)))).toBe('RATE_LIMITED');
    const rotated = await operator.rotate(key.id, { overlapMs: 3_600_000 });
    expect(rotated.signingSecret).not.toBe(signingSecret);
    expect(await first.login(bearer(rotated.text))).toBe('not_signed');
  });

  it('a thousand changes at once are not missed', async () => {
    const { operator, gateway, redis, keys } = await open();
    const { text, key } = await operator.create(request);
    const { login } = await gateway();
    await login(bearer(text));
    await operator.revoke(key.id);
    const pipeline = redis.pipeline();
    for (let i = 0; i < 2_500; i++) pipeline.xadd(keys.apiKeyChanges, 'MAXLEN', 1_000, '*', 'id', newApiKey().id);
    await pipeline.exec();
    await vi.waitFor(async () => expect(await login(bearer(text))).toBe('revoked'));
  });
});

it('while Redis is away known keys work as they were; once it is back, what has changed meanwhile is known', {
  timeout: 60_000,
}, async (test) => {
  const own = await startTestRedis();
  test.onTestFinished(own.close);
  const { operator, redis, keys, gateway, close } = await setup({ url: own.url });
  test.onTestFinished(close);
  const { text, key } = await operator.create(request);
  const other = await operator.create(request);
  const { login, authenticator, sessions } = await gateway();
  const end = vi.fn();
  sessions.follow(await authenticator.authenticate(bearer(text)), end);
  await login(bearer(other.text));

  await own.kill();
  await vi.waitFor(async () => expect(await login(bearer(newApiKey().text))).toBe('UNAVAILABLE'));
  expect(await login(bearer(text))).toBe('ok');
  await own.restart();
  // A failover has lost the change itself, but not what became of the key.
  await vi.waitFor(async () => expect(redis.status).toBe('ready'));
  await redis.multi().hset(keys.apiKey(key.id), 'revokedAt', 1).del(keys.apiKeyChanges).exec();
  await vi.waitFor(async () => expect(await login(bearer(text))).toBe('revoked'));
  await vi.waitFor(() => expect(end).toHaveBeenCalledTimes(1));
  expect(await login(bearer(other.text))).toBe('ok');
});
