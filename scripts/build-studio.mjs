// npm run build:studio: writes the studio, the pages for people who use a gateway, to studio/dist, with a compressed
// copy of each file beside it.
//   --if-stale   only where it is absent or older than its sources
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { say } from './bootstrap/report.mjs';
import { bootstrap, root } from './bootstrap.mjs';

const dist = join(root, 'studio', 'dist');
const page = join(dist, 'index.html');
const SOURCES = ['package-lock.json', 'studio/index.html', 'studio/vite.config.ts', 'studio/src', 'client/src'];

/** Whether it is absent, or sources were changed, added or removed since it was built. */
function isStale() {
  const built = statSync(page, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return SOURCES.flatMap((path) => treeAt(join(root, path))).some((path) => statSync(path).mtimeMs > built);
}

/** A file, or a folder with all that is in it. */
function treeAt(path) {
  if (!statSync(path).isDirectory()) return [path];
  return [path, ...readdirSync(path, { recursive: true }).map((name) => join(path, name))];
}

/** @returns {boolean} whether it worked; where it did not, why is on standard error */
export function buildStudio(node, { ifStale = false } = {}) {
  if (ifStale && !isStale()) return true;
  say('building the studio (studio/dist)');
  const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js');
  const { status } = spawnSync(node, [vite, 'build', 'studio', '--logLevel', 'warn'], {
    cwd: root,
    // Whatever builds it, a test as well: with another, React's own checks are built in.
    env: { ...process.env, NODE_ENV: 'production' },
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) return false;
  for (const name of readdirSync(dist)) {
    const path = join(dist, name);
    const bytes = readFileSync(path);
    writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
    writeFileSync(`${path}.br`, brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }));
  }
  return true;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { node } = bootstrap();
  process.exitCode = buildStudio(node, { ifStale: process.argv.includes('--if-stale') }) ? 0 : 1;
}
