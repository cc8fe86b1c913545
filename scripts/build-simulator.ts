// Writes to simulator/dist/ what the package `comfyui-simulator` holds: the JavaScript and the types of src/simulator,
// which imports nothing of the rest, and the files that it reads.
import { spawnSync } from 'node:child_process';
import { cpSync, rmSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'simulator', 'dist');

rmSync(dist, { recursive: true, force: true });
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const { status } = spawnSync(process.execPath, [tsc, '-p', 'simulator'], { cwd: root, stdio: 'inherit' });
if (status !== 0) process.exit(status ?? 1);
const isData = (path: string) => statSync(path).isDirectory() || extname(path) !== '.ts';
cpSync(join(root, 'src', 'simulator'), dist, { recursive: true, filter: isData });
