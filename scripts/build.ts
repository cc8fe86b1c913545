// npm run build: writes to dist/ what production runs, JavaScript and the files that it reads. All modules of the
// project and of its packages are put into few files, since Node takes twice as long to start with 1,700.
import { spawnSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { extname, join, relative } from 'node:path';
import { type Plugin, rolldown } from 'rolldown';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');

/** The command, and what it starts as processes and threads of their own. */
const STARTED = [
  'src/cli/main',
  'src/simulator/main',
  'src/variants/converter-process',
  'src/files/media-facts-thread',
  'worker/comfyui/answer-thread',
];
/**
 * These stay in node_modules: sharp is machine code, of mediabunny a build that is one file is loaded, and file-type
 * imports a package at run time whose errors it knows by their class.
 */
const EXTERNAL = ['sharp', 'mediabunny', 'file-type'];

/**
 * Modules name files relative to themselves, and keep their place in dist/ for that. Each file that is written lies two
 * folders deep.
 */
const placeOfModules: Plugin = {
  name: 'place of modules',
  transform(code, id) {
    const path = relative(root, id);
    if (path.startsWith('node_modules') || !code.includes('import.meta.url')) return null;
    const place = `new URL('../../${path.slice(0, -extname(path).length)}.js', import.meta.url).href`;
    // Within their lines, so the source map stays true.
    return { code: code.replaceAll('import.meta.url', place), map: null };
  },
};

const studio = spawnSync(process.execPath, ['scripts/build-studio.mjs', '--if-stale'], { cwd: root, stdio: 'inherit' });
if (studio.status !== 0) throw new Error('the studio could not be built');
rmSync(dist, { recursive: true, force: true });
const bundle = await rolldown({
  cwd: root,
  input: Object.fromEntries(STARTED.map((name) => [name, `${name}.ts`])),
  platform: 'node',
  external: EXTERNAL,
  plugins: [placeOfModules],
});
await bundle.write({
  dir: dist,
  chunkFileNames: 'src/shared/[name]-[hash].js',
  // Names of classes are read in messages, and two packages may have the same.
  keepNames: true,
  sourcemap: true,
});
await bundle.close();

for (const folder of ['src', 'worker']) {
  const isData = (path: string) => extname(path) !== '.ts';
  cpSync(join(root, folder), join(dist, folder), { recursive: true, filter: isData });
}
for (const path of ['workflows', 'docs', 'examples', 'studio/dist', 'README.md', 'plans.json', 'package.json'])
  cpSync(join(root, path), join(dist, path), { recursive: true });
