// Checks every import of src/, worker/, client/ and studio/ against scripts/import-rules.ts, and that no files import
// each other in a circle, tests included. Prints what is wrong and exits with 1.
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { parseSync } from 'oxc-parser';
import { findCycles, MAY_IMPORT, RULED, whyForbidden } from './import-rules.ts';

interface Import {
  /** A path from the root of the checkout, or a package. */
  to: string;
  typesOnly: boolean;
}

const root = join(import.meta.dirname, '..');
const SOURCES = ['{src,worker,test,bench,scripts,examples}/**/*.{ts,mjs}', '{client,studio}/src/**/*.{ts,tsx}'];
const files = globSync(SOURCES, { cwd: root }).map((path) => path.replaceAll('\\', '/'));
const imports = new Map(files.map((file) => [file, importsOf(file)]));

const forbidden = [...imports]
  .filter(([file]) => RULED.test(file))
  .flatMap(([file, its]) =>
    its.flatMap(({ to, typesOnly }) => {
      const why = whyForbidden(file, to, typesOnly);
      return why === null ? [] : [`${file} imports ${to}: ${why}`];
    }),
  );
const cycles = findCycles(new Map([...imports].map(([file, its]) => [file, its.map(({ to }) => to)]))).map(
  (cycle) => `a cycle: ${[...cycle, cycle[0]].join(' -> ')}`,
);
const unused = Object.keys(MAY_IMPORT)
  .filter((folder) => !files.some((file) => file === folder || file.startsWith(`${folder}/`)))
  .map((folder) => `a rule for ${folder}, which does not exist`);

const faults = [...forbidden, ...cycles, ...unused];
for (const fault of faults) process.stdout.write(`${fault}\n`);
if (faults.length > 0 || files.length === 0) process.exitCode = 1;

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8');
  const { module, errors } = parseSync(file, text);
  if (errors.length > 0) throw new Error(`${file}: ${errors.map(({ message }) => message).join('; ')}`);
  const at = (specifier: string) => (specifier.startsWith('.') ? posix.join(dirname(file), specifier) : specifier);
  const imported = module.staticImports.map(({ moduleRequest, entries }) => ({
    to: at(moduleRequest.value),
    typesOnly: entries.length > 0 && entries.every(({ isType }) => isType),
  }));
  const exported = module.staticExports.flatMap(({ entries }) =>
    entries.flatMap(({ moduleRequest, isType }) =>
      moduleRequest ? [{ to: at(moduleRequest.value), typesOnly: isType }] : [],
    ),
  );
  const dynamic = module.dynamicImports.flatMap(({ moduleRequest: { start, end } }) => {
    const specifier = /^(['"])(.+)\1$/.exec(text.slice(start, end))?.[2];
    return specifier === undefined ? [] : [{ to: at(specifier), typesOnly: false }];
  });
  return [...imported, ...exported, ...dynamic];
}
