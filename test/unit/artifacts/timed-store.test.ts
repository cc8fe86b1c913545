import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { StorageError } from '../../../src/artifacts/artifact-store.ts';
import { createFolderStore } from '../../../src/artifacts/folder/folder.ts';
import { artifactKey } from '../../../src/artifacts/keys.ts';
import { createTimedStore } from '../../../src/artifacts/timed-store.ts';

const KEY = artifactKey('01890a5d-ac96-774b-bcce-b302099a8057', 1, 0, 'png');

async function start() {
  const folder = await mkdtemp(join(tmpdir(), 'comfygate-timed-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const calls: string[] = [];
  const publicUrl = 'http://gateway.test';
  const bare = createFolderStore({ folder, publicUrl, signingSecret: 's'.repeat(32), now: Date.now });
  const store = createTimedStore(bare, (operation, outcome, seconds) => {
    expect(seconds).toBeGreaterThanOrEqual(0);
    calls.push(`${operation} ${outcome}`);
  });
  return { store, calls, bare };
}

test('a call is told with how it ended', async () => {
  const { store, calls } = await start();
  const { signal } = new AbortController();
  await store.check({ signal });
  expect(await store.head(KEY)).toBeNull();
  const missing = {
    path: '/nowhere',
    sizeBytes: 1,
    sha256: '0'.repeat(64),
    contentType: 'image/png',
    filename: 'a.png',
  };
  await expect(store.put(KEY, missing, { signal })).rejects.toThrow(StorageError);
  await store.removePrefix('jobs/x/');
  expect(calls).toEqual(['check ok', 'head ok', 'put source', 'removePrefix ok']);
});

test('that this process has no descriptor left says nothing of the storage', async () => {
  const { store, calls, bare } = await start();
  const cause = Object.assign(new Error('too many open files'), { code: 'EMFILE' });
  vi.spyOn(bare, 'head').mockRejectedValue(new StorageError('unavailable', 'no answer', { cause }));
  await expect(store.head(KEY)).rejects.toThrow('no answer');
  expect(calls).toEqual([]);
});

test('what its caller gave up says nothing of the storage, and an address asks nobody', async () => {
  const { store, calls } = await start();
  await expect(store.read(KEY, { signal: AbortSignal.abort(new Error('left')) })).rejects.toThrow('left');
  const options = { filename: 'a.png', contentType: 'image/png', expiresInSeconds: 60, download: false };
  expect(await store.url(KEY, options)).toContain('http://gateway.test/artifacts/');
  expect(calls).toEqual([]);
});
