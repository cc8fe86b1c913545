// npm run build: writes to dist/ what production runs, JavaScript and the files that it reads.
import { spawnSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { extname, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');

rmSync(dist, { recursive: true, force: true });
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const { status } = spawnSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.build.json')], { stdio: 'inherit' });
if (status !== 0) process.exit(status ?? 1);

// The code reads Lua scripts, data and pages from its own folder, so they are copied to the same places.
const isCompiled = (path: string) => extname(path) === '.ts';
for (const folder of ['src', 'worker']) {
  cpSync(join(root, folder), join(dist, folder), { recursive: true, filter: (path) => !isCompiled(path) });
}
for (const path of ['workflows', 'plans.json', 'package.json']) {
  cpSync(join(root, path), join(dist, path), { recursive: true });
}
