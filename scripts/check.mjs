// npm run check runs everything in CHECKS at the same time and prints the output of the checks that failed. Types and
// unused code of what has not changed since the last time are not checked again: what is known of them lies in
// node_modules/.cache, which goes with the packages.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { bootstrap, compileCache, root } from './bootstrap.mjs';

const { node } = bootstrap();
const bin = (name, ...path) => [join(root, 'node_modules', name, ...path)];
const cache = (name) => join(root, 'node_modules', '.cache', name);

const CHECKS = [
  // One checker, since each further one checks the types that files share again, and the other checks need the cores.
  {
    name: 'types (tsc)',
    args: [
      ...[...bin('typescript', 'bin', 'tsc'), '-p', '.', '--checkers', '1'],
      ...['--incremental', '--tsBuildInfoFile', cache('tsc.tsbuildinfo')],
    ],
  },
  {
    name: 'types of the studio (tsc)',
    args: [
      ...[...bin('typescript', 'bin', 'tsc'), '-p', 'studio', '--checkers', '1'],
      ...['--incremental', '--tsBuildInfoFile', cache('tsc-studio.tsbuildinfo')],
    ],
  },
  {
    name: 'format and lint (biome)',
    args: [...bin('@biomejs', 'biome', 'bin', 'biome'), 'ci', '--colors=off', '--error-on-warnings', '.'],
  },
  { name: 'import rules', args: ['scripts/check-imports.ts'] },
  { name: 'licences', args: ['scripts/check-licences.ts'] },
  { name: 'versions', args: ['scripts/versions.ts'] },
  { name: 'line lengths', args: ['scripts/check-lines.ts'] },
  {
    name: 'unused code (knip)',
    args: [...bin('knip', 'bin', 'knip.js'), '--cache', '--cache-location', cache('knip')],
  },
  { name: 'generated files fresh (codegen)', args: ['codegen.ts', '--check'] },
  { name: 'tables of tests fresh (reliability)', args: ['scripts/reliability.ts', '--check'] },
  {
    name: 'compose files (dclint)',
    args: [
      ...bin('dclint', 'bin', 'dclint.cjs'),
      '--max-warnings=0',
      'docker-compose.yml',
      'src/cli/project/docker-compose.yml',
    ],
  },
];

const results = await Promise.all(CHECKS.map(run));
for (const { name, ok, output, seconds } of results) {
  process.stdout.write(
    `${ok ? 'ok    ' : 'FAILED'} ${name}, ${seconds.toFixed(1)} s\n${ok ? '' : `${output.trimEnd()}\n\n`}`,
  );
}
process.exitCode = results.every(({ ok }) => ok) ? 0 : 1;

function run({ name, args }) {
  const began = performance.now();
  const child = spawn(node, args, {
    cwd: root,
    env: { ...process.env, NO_COLOR: '1', NODE_COMPILE_CACHE: compileCache },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk) => (output += chunk));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ name, ok: code === 0, output, seconds: (performance.now() - began) / 1000 }));
  });
}
