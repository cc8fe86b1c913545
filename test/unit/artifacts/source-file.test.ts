import { appendFile, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readExactly } from '../../../src/artifacts/source-file.ts';

const SIZE = 600_000;

async function source() {
  const folder = await mkdtemp(join(tmpdir(), 'comfygate-source-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, 'file');
  await writeFile(path, Buffer.alloc(SIZE, 'x'));
  return path;
}

/** Reads it, and does something to it once reading has begun. */
async function read(path: string, sizeBytes: number, meanwhile: () => Promise<void> = async () => undefined) {
  let bytes = 0;
  for await (const chunk of readExactly(path, sizeBytes)) {
    if (bytes === 0) await meanwhile();
    bytes += chunk.length;
  }
  return bytes;
}

const changed = { name: 'StorageError', reason: 'source' };

test('a file of the size that was said is read, all of it', async () => {
  expect(await read(await source(), SIZE)).toBe(SIZE);
});

test.each([SIZE - 1, SIZE + 1])('one that is said to have %s bytes and has another size is not', async (sizeBytes) => {
  await expect(read(await source(), sizeBytes)).rejects.toMatchObject(changed);
});

test('one that grows or shrinks meanwhile is not whole: it is told before anybody takes it for that', async () => {
  const grows = await source();
  await expect(read(grows, SIZE, () => appendFile(grows, 'y'))).rejects.toMatchObject(changed);
  const shrinks = await source();
  await expect(read(shrinks, SIZE, () => truncate(shrinks, SIZE - 1))).rejects.toMatchObject(changed);
});
