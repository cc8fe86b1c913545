// node scripts/versions.ts         prints where the versions of the packages differ, and exits with 1 where they do
// node scripts/versions.ts 0.2.0   writes this version into all of them
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { versionFaults, withVersion } from './version-rules.ts';

const root = join(import.meta.dirname, '..');
const FILES = ['package.json', 'client/package.json', 'simulator/package.json', 'studio/package.json'];

const read = (file: string) => readFileSync(join(root, file), 'utf8');
const [, , version] = process.argv;
if (version !== undefined) {
  z.string()
    .regex(/^\d+\.\d+\.\d+(?:-[a-z0-9.]+)?$/, `expected a version such as 0.2.0, got ${version}`)
    .parse(version);
  for (const file of FILES) writeFileSync(join(root, file), withVersion(read(file), version));
}
const faults = versionFaults(new Map(FILES.map((file) => [file, read(file)])), read('CHANGELOG.md'));
for (const fault of faults) process.stdout.write(`${fault}\n`);
if (faults.length > 0) process.exitCode = 1;
