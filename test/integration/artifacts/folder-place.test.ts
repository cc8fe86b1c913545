import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { createFolderStore } from '../../../src/artifacts/folder/folder.ts';
import { markFolder } from '../../../src/artifacts/folder/folder-id.ts';
import { artifactKey } from '../../../src/artifacts/keys.ts';
import { checkStorage, createCheck } from '../../../src/health/checks.ts';
import { fileToStore } from '../../support/pictures.ts';
import { mountSmallDisk } from '../../support/small-disk.ts';

const signal = AbortSignal.timeout(60_000);

async function tempDir() {
  const dir = await mkdtemp(join(tmpdir(), 'comfygate-place-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  return dir;
}

function storeIn(folder: string, folderId?: string) {
  const options = { folder, folderId, publicUrl: 'http://gateway.test', signingSecret: 's'.repeat(32), now: Date.now };
  const store = createFolderStore(options);
  const check = createCheck(Date.now);
  return { ...store, health: () => check('storage', () => checkStorage(store)) };
}

const elsewhere = 'the artifact folder is not the one that results are in: mount its disk';

it('B16 a folder whose disk is not mounted takes nothing, says so, and denies nothing that is stored', async () => {
  const dir = await tempDir();
  const folder = join(dir, 'artifacts');
  // As several processes do that start at once.
  const ids = await Promise.all(Array.from({ length: 8 }, () => markFolder(folder)));
  expect(new Set(ids).size).toBe(1);
  const store = storeIn(folder, ids[0]);
  const key = artifactKey('0190c7a0-0000-7000-8000-000000000001', 1, 0, 'txt');
  const content = 'a result';
  const path = join(dir, 'source');
  await writeFile(path, content);
  const file = await fileToStore(path, 'text/plain', 'a.txt');
  await store.put(key, file, { signal });
  expect(await store.health()).toMatchObject({ status: 'HEALTHY', message: null });
  expect(await store.head('jobs/none/1/00.txt')).toBeNull();

  await rename(folder, join(dir, 'unmounted'));
  await mkdir(folder);
  const refusal = { name: 'StorageError', reason: 'denied', message: elsewhere };
  for (const call of [
    () => store.put(key, file, { signal }),
    () => store.head(key),
    () => store.read(key, { signal }),
    () => store.removePrefix('jobs/'),
    () => store.check({ signal }),
  ]) {
    await expect(call()).rejects.toMatchObject(refusal);
  }
  expect(await store.health()).toMatchObject({ status: 'UNHEALTHY', message: elsewhere });
  expect(await readdir(folder)).toEqual([]);

  await rm(folder, { recursive: true });
  await rename(join(dir, 'unmounted'), folder);
  expect(await store.health()).toMatchObject({ status: 'HEALTHY', message: null });
  expect(await store.head(key)).toMatchObject({ sizeBytes: content.length });
  expect(await markFolder(folder)).toBe(ids[0]);
});

it('B16 a folder without inodes is full, and told as such', async (test) => {
  const disk = await mountSmallDisk(64 * 1024 * 1024, { inodes: 2_000 });
  // Only root may mount, as CI is; a developer's machine runs all the rest.
  if (!disk) return test.skip('this user may not mount a disk');
  onTestFinished(disk.close);
  const folder = join(disk.path, 'artifacts');
  const store = storeIn(folder);
  expect(await store.health()).toMatchObject({ status: 'HEALTHY' });
  for (let i = 0; i < 1_100; i++) await writeFile(join(disk.path, `file ${i}`), '');
  const message = 'the file system of the artifact folder has no inodes left';
  await expect(store.check({ signal })).rejects.toMatchObject({ reason: 'full', message });
  expect(await store.health()).toMatchObject({ status: 'UNHEALTHY', message });
});
