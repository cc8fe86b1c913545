// Prints the lines of more than 120 columns in the files that people write, and exits with 1 when there are any.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const MAX_COLUMNS = 120;

const WRITTEN = [
  '*.{ts,md,yml,json}',
  '{.ci/run,.env.example,Dockerfile}',
  'client/{*.md,{src,test}/**/*.{ts,tsx,mjs,js,html,json}}',
  'simulator/*.{md,mjs,json}',
  '{bench,deploy,docs,examples,scripts,src,test,worker}/**/*.{ts,mjs,lua,md,yml,yaml,graphql,html,example}',
  '{client,studio}/{,src/**/}*.{ts,tsx,css,html,md}',
];

/** Generated files, recordings, data and the public contract, whose descriptions are single lines. */
const NOT_WRITTEN = [
  '**/package-lock.json',
  '**/node_modules/**',
  'examples/generated/**',
  'test/comfyui/recorded/**',
  '**/contract.graphql',
];

const root = join(import.meta.dirname, '..');
const files = globSync(WRITTEN, { cwd: root, exclude: NOT_WRITTEN });
const offenders = files
  .sort()
  .flatMap((file) =>
    tooLong(readFileSync(join(root, file), 'utf8'), file.endsWith('.md')).map((line) => `${file}:${line}`),
  );
for (const offender of offenders) process.stdout.write(`${offender} has more than ${MAX_COLUMNS} columns\n`);
if (offenders.length > 0 || files.length === 0) process.exitCode = 1;

/**
 * Numbers of the lines that are too long. In Markdown a table row, a line of a code block and a lone link cannot wrap.
 */
function tooLong(text: string, isMarkdown: boolean): number[] {
  let inCodeBlock = false;
  return text.split('\n').flatMap((line, i) => {
    if (isMarkdown && /^\s*```/.test(line)) inCodeBlock = !inCodeBlock;
    const canWrap = !isMarkdown || !(inCodeBlock || line.startsWith('|') || !/\S\s+\S/.test(line));
    return canWrap && [...line].length > MAX_COLUMNS ? [i + 1] : [];
  });
}
