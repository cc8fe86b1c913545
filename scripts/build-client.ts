// npm run build:client: writes client/dist, JavaScript and its types, which is what the package holds.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');

// Files whose sources are gone would be packed.
rmSync(join(root, 'client', 'dist'), { recursive: true, force: true });
const { status } = spawnSync(process.execPath, [tsc, '-p', 'client'], { cwd: root, stdio: 'inherit' });
process.exitCode = status ?? 1;
