// npm run pack: builds the packages that are published and writes them to packed/, one .tgz each. Exits with 1 when one
// is larger than it should be.
//   --to FOLDER   writes them there
//   --built       takes dist/ as it is
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import * as z from 'zod';

/** The most that a package may take as it is downloaded, in KB: a quarter more than it takes now. */
const PACKAGES = [
  { folder: 'dist', mostKb: 7_000 },
  { folder: 'client', mostKb: 55 },
  { folder: 'simulator', mostKb: 130 },
];

const root = join(import.meta.dirname, '..');
const packedSchema = z.array(
  z.object({ id: z.string(), filename: z.string(), size: z.int(), unpackedSize: z.int(), entryCount: z.int() }),
);

const { values } = parseArgs({
  options: { to: { type: 'string', default: join(root, 'packed') }, built: { type: 'boolean', default: false } },
});
if (!values.built) run(process.execPath, 'scripts/build.ts');
run(process.execPath, 'scripts/build-simulator.ts');
mkdirSync(values.to, { recursive: true });
for (const { folder, mostKb } of PACKAGES) {
  const json = run('npm', 'pack', `./${folder}`, '--json', '--pack-destination', values.to);
  // npm 12 gives them by their names, npm 11 and before in a list.
  const answer: unknown = JSON.parse(json);
  for (const { id, size, unpackedSize, entryCount } of packedSchema.parse(Object.values(answer ?? {}))) {
    const sizes = `${kb(size)} KB, unpacked ${kb(unpackedSize)} KB in ${entryCount} files`;
    process.stdout.write(`${id}: ${sizes} (at most ${mostKb} KB)\n`);
    if (size > mostKb * 1000) process.exitCode = 1;
  }
}

function kb(bytes: number): number {
  return Math.ceil(bytes / 1000);
}

/** Its standard output; it ends this process when it fails. */
function run(program: string, ...args: string[]): string {
  return execFileSync(program, args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}
