import { v7 } from 'uuid';
import { expect, test } from 'vitest';
import { anonymous, type Identity, maySee } from '../../../src/callers/identity.ts';
import { createWatchTokens, MAX_WATCHED_JOBS } from '../../../src/callers/watch-token.ts';

const shop: Identity = { ...anonymous, caller: 'shop@example.org', name: 'Shop', plan: 'pro', keyId: 'aB3dE6gH9jK2' };
let time = 1_900_000_000_123;
const tokens = createWatchTokens('a secret of this test and of no other', () => time);
const tagged = 'ein Schild'.padEnd(63, 'ü');

test.each([{ jobs: new Set([v7(), v7()]) }, { tag: tagged }])(
  'says who brings it, bound to its jobs: %o',
  (watched) => {
    const { token, expiresAt } = tokens.make(shop, watched, 900);
    expect(expiresAt).toBe(time + 900_000);
    expect(tokens.read(token)).toEqual({
      caller: shop.caller,
      name: shop.caller,
      plan: 'pro',
      scopes: new Set(['job:read']),
      keyId: shop.keyId,
      expiresAt,
      watch: watched,
    });
  },
);

test('a token for jobs, or for a tag, sees those of its own caller and no others', () => {
  const [one, other] = [v7(), v7()];
  const byId = tokens.read(tokens.make(shop, { jobs: new Set([one]) }, 60).token) ?? expect.fail();
  const byTag = tokens.read(tokens.make(shop, { tag: 'red' }, 60).token) ?? expect.fail();
  const job = { id: one, caller: shop.caller, tags: ['red'] };
  expect([byId, byTag].map((who) => maySee(who, job))).toEqual([true, true]);
  expect([byId, byTag].map((who) => maySee(who, { ...job, caller: 'another' }))).toEqual([false, false]);
  expect(maySee(byId, { ...job, id: other })).toBe(false);
  expect(maySee(byTag, { ...job, tags: ['reddish'] })).toBe(false);
});

test('a token for no job at all sees none', () => {
  const who = tokens.read(tokens.make(shop, { jobs: new Set() }, 60).token) ?? expect.fail();
  expect(maySee(who, { id: v7(), caller: shop.caller, tags: [] })).toBe(false);
});

test('ends when its time is over, and no later than what it was made by', () => {
  const { token } = tokens.make(shop, { tag: 'x' }, 900);
  const short = tokens.make({ ...shop, expiresAt: time + 5_000 }, { tag: 'x' }, 900);
  expect(short.expiresAt).toBe(time + 5_000);
  time += 899_999;
  expect(tokens.read(token)).not.toBeNull();
  expect(tokens.read(short.token)).toBeNull();
  time += 1;
  expect(tokens.read(token)).toBeNull();
});

test('any changed character, another secret, and what is no token at all are refused', () => {
  const { token } = tokens.make(shop, { jobs: new Set([v7()]) }, 900);
  for (let i = 0; i < token.length; i++) {
    const changed = token.slice(0, i) + (token[i] === 'A' ? 'B' : 'A') + token.slice(i + 1);
    expect(tokens.read(changed), `${i}`).toBeNull();
  }
  for (const other of [
    '',
    'cgw_',
    'cgw_.',
    token.slice(4),
    `${token}.`,
    `${token}.x`,
    `${token}.`.repeat(50),
    `${token}=`,
    'cgw_AQ.AQ',
    'cg_1',
  ]) {
    expect(tokens.read(other)).toBeNull();
  }
  expect(createWatchTokens('another secret', () => time).read(token)).toBeNull();
});

test('is as short as an address takes, with all the jobs that one may have', () => {
  const jobs = new Set(Array.from({ length: MAX_WATCHED_JOBS }, () => v7()));
  const { token } = tokens.make({ ...shop, caller: 'c'.repeat(64), plan: 'p'.repeat(64) }, { jobs }, 900);
  expect(token.length).toBeLessThan(2_600);
  expect(token).toMatch(/^cgw_[\w-]+\.[\w-]{43}$/);
  expect(tokens.read(token)?.watch).toEqual({ jobs });
});

test('a watch token makes no other', () => {
  const who = tokens.read(tokens.make(shop, { tag: 'x' }, 900).token) ?? expect.fail();
  expect(() => tokens.make(who, { tag: 'x' }, 900)).toThrow();
});
