import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { tempFolder } from '../../support/process.ts';

const run = promisify(execFile);
const script = new URL('../../../scripts/bootstrap/packages.mjs', import.meta.url).href;

/** A checkout whose `npm` only says that it was asked. */
async function checkout() {
  const { path, remove } = await tempFolder();
  onTestFinished(remove);
  const lock = JSON.stringify({ packages: { '': {}, 'node_modules/one': { version: '1.0.0', integrity: 'x' } } });
  const folder = join(path, 'node_modules', 'one');
  await mkdir(folder, { recursive: true });
  await writeFile(join(path, 'package-lock.json'), lock);
  await writeFile(join(path, 'node_modules', '.package-lock.json'), lock);
  const npm = join(path, 'npm.js');
  await writeFile(npm, "require('node:fs').writeFileSync('asked', '')");
  const source = `import { bringPackages } from ${JSON.stringify(script)}; bringPackages(${JSON.stringify(path)})`;
  return {
    path,
    folder,
    async asksNpm() {
      await rm(join(path, 'asked'), { force: true });
      const env = { ...process.env, npm_execpath: npm };
      await run(process.execPath, ['--input-type=module', '--eval', source], { env });
      return existsSync(join(path, 'asked'));
    },
  };
}

test('packages that are all there are not installed again; a folder that is gone is', async () => {
  const { folder, asksNpm } = await checkout();
  expect(await asksNpm()).toBe(false);
  await rm(folder, { recursive: true });
  expect(await asksNpm()).toBe(true);
});

test('packages are installed where another version is there, or an installation was cut off', async () => {
  const { path, asksNpm } = await checkout();
  const installed = join(path, 'node_modules', '.package-lock.json');
  await writeFile(
    installed,
    JSON.stringify({ packages: { 'node_modules/one': { version: '0.9.0', integrity: 'y' } } }),
  );
  expect(await asksNpm()).toBe(true);
  await rm(installed);
  expect(await asksNpm()).toBe(true);
});
