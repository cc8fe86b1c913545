// npm run build: writes to dist/ the package `comfygate`, JavaScript and the files that it reads; an image runs the
// same. All modules of the project and of its packages are put into few files, since Node takes twice as long to start
// with 1,700.
import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { extname, join, relative } from 'node:path';
import { type Plugin, rolldown } from 'rolldown';
import * as z from 'zod';
import { noticesOf } from './notices.ts';

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
/** These stay in node_modules: sharp is machine code, and of mediabunny a build that is one file is loaded. */
const EXTERNAL = ['sharp', 'mediabunny'];

/** What is copied as it is. */
const COPIED = [
  ...['workflows', 'docs', 'examples', 'studio/dist', 'README.md', 'CHANGELOG.md', 'LICENSE', 'SECURITY.md'],
  ...['plans.json', 'schema.graphql', '.env.example', 'scripts/comfygate.mjs', 'scripts/bootstrap.mjs'],
  ...['scripts/run-node.mjs', ...['apt', 'node', 'on-path', 'packages', 'redis', 'report'].map(ofBootstrap)],
];

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

/**
 * file-type hides from bundlers the name of a package that it imports, and knows errors of that package by their class:
 * outside of these files there would be a second one of each.
 */
const importOfFileType: Plugin = {
  name: 'import of file-type',
  transform(code, id) {
    if (!id.endsWith('/file-type/source/index.js')) return null;
    const shown = code.replace("importAtRuntime('strtok3')", "import('strtok3')");
    if (shown === code) throw new Error('file-type imports strtok3 in another way: mend this plugin');
    return { code: shown, map: null };
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
  plugins: [placeOfModules, importOfFileType],
});
const { output } = await bundle.write({
  dir: dist,
  chunkFileNames: 'src/shared/[name]-[hash].js',
  // Names of classes are read in messages, and two packages may have the same.
  keepNames: true,
  sourcemap: true,
});
await bundle.close();

const chunks = output.flatMap((file) => (file.type === 'chunk' ? [file] : []));
refuseOthers(chunks.flatMap(({ imports, dynamicImports }) => [...imports, ...dynamicImports]));
writeFileSync(join(dist, 'THIRD-PARTY-NOTICES.txt'), noticesOf(chunks.flatMap(({ moduleIds }) => moduleIds)));
writeFileSync(
  join(dist, 'package.json'),
  `${JSON.stringify(packageOf(readFileSync(join(root, 'package.json'), 'utf8')), null, 2)}\n`,
);

for (const folder of ['src', 'worker']) {
  const isData = (path: string) => extname(path) !== '.ts';
  cpSync(join(root, folder), join(dist, folder), { recursive: true, filter: isData });
}
for (const path of COPIED) cpSync(join(root, path), join(dist, path), { recursive: true });

function ofBootstrap(name: string): string {
  return `scripts/bootstrap/${name}.mjs`;
}

/** What is neither in the files nor in EXTERNAL would be missing where the package is installed. */
function refuseOthers(imported: string[]): void {
  const known = new Set([...EXTERNAL, ...output.map(({ fileName }) => fileName), ...builtinModules]);
  const others = imported.filter((name) => !known.has(name.replace(/^node:/, '')));
  if (others.length > 0) throw new Error(`neither bundled nor in EXTERNAL: ${[...new Set(others)].join(', ')}`);
}

/** The package.json of what is installed: the Node that it brings, and only the packages that are not in its files. */
function packageOf(ours: string): object {
  const texts = z.record(z.string(), z.string());
  const { dependencies, ...rest } = z
    .object({
      ...{ name: z.string(), version: z.string(), description: z.string(), license: z.string(), type: z.string() },
      ...{
        keywords: z.array(z.string()),
        engines: texts,
        bin: texts,
        dependencies: texts,
        optionalDependencies: texts,
      },
    })
    .parse(JSON.parse(ours));
  const needed = Object.entries(dependencies).filter(([name]) => EXTERNAL.includes(name));
  // Source maps would be half of the package; they are for the image.
  return { ...rest, files: ['*', '!**/*.map'], dependencies: Object.fromEntries(needed) };
}
