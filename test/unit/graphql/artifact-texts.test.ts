import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { StorageError } from '../../../src/artifacts/artifact-store.ts';
import type { Artifact } from '../../../src/core/job.ts';
import { createArtifactTexts } from '../../../src/graphql/artifact/artifact-texts.ts';

function textArtifact(key: string, sizeBytes = 10): Artifact {
  const nothing = { output: null, width: null, height: null, durationSeconds: null };
  return {
    id: key,
    key,
    kind: 'text',
    filename: 'a.txt',
    contentType: 'text/plain',
    sizeBytes,
    sha256: '',
    node: '1',
    ...nothing,
  };
}

/** A storage that counts what is read at once, and can be away: a fault that no real one shows on demand. */
function countingStore(bytes: (key: string) => string) {
  const counts = { reads: 0, now: 0, most: 0 };
  const store = {
    away: false,
    async read(key: string) {
      if (store.away) throw new StorageError('unavailable', 'away');
      counts.reads++;
      counts.most = Math.max(counts.most, ++counts.now);
      const body = Readable.from([Buffer.from(bytes(key))]);
      body.once('close', () => counts.now--);
      return body;
    },
  };
  return { store, counts };
}

test('many texts of one answer are read side by side, a few at a time, each once', async () => {
  const { store, counts } = countingStore((key) => `text ${key}`);
  const texts = createArtifactTexts(store);
  const answer = {};
  const keys = Array.from({ length: 100 }, (_, i) => `k${i % 50}`);
  const read = await Promise.all(keys.map((key) => texts.read(textArtifact(key), answer, 'client')));
  expect(read).toEqual(keys.map((key) => `text ${key}`));
  expect(counts).toMatchObject({ reads: 50, now: 0 });
  expect(counts.most).toBeGreaterThan(1);
  expect(counts.most).toBeLessThanOrEqual(8);
});

test('what was read lately stays readable while storage is away; everything else is UNAVAILABLE', async () => {
  const { store } = countingStore(() => 'päron 🍐');
  const texts = createArtifactTexts(store);
  expect(await texts.read(textArtifact('seen'), {}, 'client')).toBe('päron 🍐');
  store.away = true;
  expect(await texts.read(textArtifact('seen'), {}, 'client')).toBe('päron 🍐');
  await expect(texts.read(textArtifact('unseen'), {}, 'client')).rejects.toMatchObject({
    details: { code: 'UNAVAILABLE', retryAfter: 10 },
  });
  store.away = false;
  expect(await texts.read(textArtifact('unseen'), {}, 'client')).toBe('päron 🍐');
});

test('a text that has been removed is NOT_FOUND', async () => {
  const texts = createArtifactTexts({ read: async () => null });
  await expect(texts.read(textArtifact('gone'), {}, 'client')).rejects.toMatchObject({
    details: { code: 'NOT_FOUND' },
  });
});

test('one answer holds 8 MiB of texts and no more, however short each of them is', async () => {
  const { store, counts } = countingStore(() => 'x');
  const texts = createArtifactTexts(store);
  const answer = {};
  for (let i = 0; i < 8; i++) await texts.read(textArtifact(`long${i}`, 1024 * 1024), answer, 'client');
  const limit = { details: { code: 'LIMIT_EXCEEDED' } };
  await expect(texts.read(textArtifact('more', 1), answer, 'client')).rejects.toMatchObject(limit);
  expect(counts.reads).toBe(8);
  const other = {};
  const short = Array.from({ length: 257 }, (_, i) => texts.read(textArtifact(`short${i}`, 0), other, 'client'));
  const settled = await Promise.allSettled(short);
  expect(settled.filter(({ status }) => status === 'rejected')).toHaveLength(1);
});

test('of the texts that are kept the one that was asked for longest ago goes first, not the oldest', async () => {
  const { store, counts } = countingStore(() => 'x'.repeat(1_000_000));
  const texts = createArtifactTexts(store);
  const readAnew = async (key: string) => {
    const before = counts.reads;
    await texts.read(textArtifact(key), {}, 'client');
    return counts.reads - before;
  };
  // Eight of them fit.
  for (const key of 'abcdefgh') expect(await readAnew(key)).toBe(1);
  expect(await readAnew('a')).toBe(0);
  expect(await readAnew('i')).toBe(1);
  expect(await readAnew('a')).toBe(0);
  expect(await readAnew('b')).toBe(1);
});

test('B02 texts that one client asks for hold up none of another', async () => {
  const held = Promise.withResolvers<void>();
  const texts = createArtifactTexts({
    async read(key: string) {
      if (key.startsWith('slow')) await held.promise;
      return Readable.from([Buffer.from(key)]);
    },
  });
  const slow = Array.from({ length: 40 }, (_, i) => texts.read(textArtifact(`slow${i}`), {}, 'one'));
  expect(await texts.read(textArtifact('quick'), {}, 'other')).toBe('quick');
  held.resolve();
  expect(await Promise.all(slow)).toHaveLength(40);
});
