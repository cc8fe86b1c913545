// Holds every import of the product's sources to scripts/import-rules.ts; prints those that break one and exits with 1.
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { parseSync } from 'oxc-parser';
import { brokenBy } from './import-rules.ts';

interface Import {
  specifier: string;
  typesOnly: boolean;
}

const root = join(import.meta.dirname, '..');
const files = globSync('{src,worker}/**/*.ts', { cwd: root }).map((path) => path.replaceAll('\\', '/'));
const faults = files.flatMap((file) =>
  importsOf(file).flatMap(({ specifier, typesOnly }) => {
    const to = specifier.startsWith('.') ? posix.join(dirname(file), specifier) : specifier;
    return brokenBy(file, to, typesOnly).map(({ why }) => `${file} imports ${to}: ${why}`);
  }),
);
for (const fault of faults) process.stdout.write(`${fault}\n`);
if (faults.length > 0 || files.length === 0) process.exitCode = 1;

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8');
  const { module, errors } = parseSync(file, text);
  if (errors.length > 0) throw new Error(`${file}: ${errors.map(({ message }) => message).join('; ')}`);
  const imports = module.staticImports.map(({ moduleRequest, entries }) => ({
    specifier: moduleRequest.value,
    typesOnly: entries.length > 0 && entries.every(({ isType }) => isType),
  }));
  const exports = module.staticExports.flatMap(({ entries }) =>
    entries.flatMap(({ moduleRequest, isType }) =>
      moduleRequest ? [{ specifier: moduleRequest.value, typesOnly: isType }] : [],
    ),
  );
  const dynamic = module.dynamicImports.flatMap(({ moduleRequest: { start, end } }) => {
    const specifier = /^(['"])(.+)\1$/.exec(text.slice(start, end))?.[2];
    return specifier === undefined ? [] : [{ specifier, typesOnly: false }];
  });
  return [...imports, ...exports, ...dynamic];
}
