import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { productMain, tempFolder } from '../../support/process.ts';

const path = (name: string) => fileURLToPath(new URL(`../../../${name}`, import.meta.url));

/** Runs `comfygate schema` with nothing else running. */
function printed(env: { [name: string]: string } = {}) {
  const { PATH = '' } = process.env;
  return promisify(execFile)(process.execPath, [productMain, 'schema'], {
    cwd: path('.'),
    env: { PATH, ...env },
    maxBuffer: 10_000_000,
  });
}

test('the schema is printed without a server, as the project ships it', async () => {
  const { stdout } = await printed();
  const shipped = await readFile(path('schema.graphql'), 'utf8');
  expect(stdout).toBe(shipped.replace(/^#.*\n\n/, ''));
}, 60_000);

test('workflows that cannot be used are named, and nothing is printed', async () => {
  const folder = await tempFolder();
  onTestFinished(folder.remove);
  await mkdir(join(folder.path, 'broken'));
  await writeFile(join(folder.path, 'broken', 'manifest.json'), '{');
  await expect(printed({ WORKFLOWS_DIR: folder.path })).rejects.toMatchObject({
    code: 78,
    stdout: '',
    stderr: expect.stringContaining('broken/manifest.json: is not JSON'),
  });
}, 60_000);
