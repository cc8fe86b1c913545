import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openTempFolder } from '../../../worker/temp-folder.ts';

let base: string;
const before = process.env.TMPDIR;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'comfygate-test-'));
  process.env.TMPDIR = base;
});
afterEach(async () => {
  if (before === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = before;
  await rm(base, { recursive: true, force: true });
});

const folderOf = (owner: string) => join(base, `comfygate-worker-${owner}`);

test('removes what killed workers of this host left, and nothing else', async () => {
  // Beyond the highest pid that Linux gives; 1 always lives.
  const dead = folderOf(`${hostname()}-4194305`);
  const alive = folderOf(`${hostname()}-1`);
  const elsewhere = folderOf('another-host-4194305');
  for (const path of [dead, alive, elsewhere]) {
    await mkdir(path);
    await writeFile(join(path, 'half'), 'half a result');
  }
  const own = await openTempFolder();
  expect([dead, alive, elsewhere, own.path].map(existsSync)).toEqual([false, true, true, true]);
  await own.remove();
  expect(existsSync(own.path)).toBe(false);
});
