// Writes the tables of docs/reliability.md and docs/security.md: the tests that prove each promise, found by their
// titles, and results of the chaos suite.
//   node scripts/reliability.ts [--check] [--rows FILE --mode short|full]
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import * as z from 'zod';
import { ATTACKS } from './attacks.ts';

const root = join(import.meta.dirname, '..');
const page = (name: string) => join(root, 'docs', `${name}.md`);

const rowSchema = z.object({
  scenario: z.string(),
  acknowledged: z.int(),
  lost: z.int(),
  doubled: z.int(),
  recoveryMs: z.number().nullable(),
  unavailableMs: z.number().nullable(),
});

const { values } = parseArgs({
  options: { check: { type: 'boolean' }, rows: { type: 'string' }, mode: { type: 'string' } },
});
update('reliability', (before) => {
  const after = between(between(before, 'proofs', proofs(count('C', 22))), 'bounds', proofs(count('B', 18)));
  return values.rows ? between(after, 'runs', runs(values.rows, values.mode ?? 'short')) : after;
});
update('security', (before) => between(before, 'attacks', proofs(Object.keys(ATTACKS))));

/** Writes a page anew, or says that it is stale. */
function update(name: string, change: (before: string) => string): void {
  const before = readFileSync(page(name), 'utf8');
  const after = change(before);
  if (!values.check) writeFileSync(page(name), after);
  else if (after !== before) {
    process.stderr.write(`docs/${name}.md is not as the names of the tests are: run node scripts/reliability.ts\n`);
    process.exitCode = 1;
  }
}

/** Replaces the text between the two marks of that name. */
function between(text: string, name: string, content: string): string {
  const [begin, end] = [`<!-- ${name}: generated -->\n`, `<!-- ${name}: end -->`];
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`a page has no place for ${name}`);
  return text.slice(0, from + begin.length) + content + text.slice(to);
}

/** A table with a row for each of these numbers, with the files whose test titles contain it. */
function proofs(numbers: string[]): string {
  const files = globSync(['test/**/*.test.ts', 'test/chaos/faults.ts'], { cwd: root })
    .sort()
    .map((file) => ({ file, text: withoutComments(readFileSync(join(root, file), 'utf8')) }));
  const having = (number: string) => files.filter(({ text }) => new RegExp(`\\b${number}\\b`).test(text));
  const missing = numbers.filter((number) => having(number).length === 0);
  if (missing.length > 0) throw new Error(`no test has these numbers: ${missing.join(', ')}`);
  const lines = numbers.map((number) => {
    const where = having(number).map(({ file }) => `[${file.replace(/^test\//, '')}](../${file})`);
    const name = ATTACKS[number] ? `${number}, ${ATTACKS[number]}` : number;
    return `| ${name} | ${where.join(', ')} |\n`;
  });
  return `| | tests |\n|---|---|\n${lines.join('')}`;
}

/** Comments are ignored, since a number in a comment refers to a test in another file. */
function withoutComments(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
}

function count(letter: string, last: number): string[] {
  return Array.from({ length: last }, (_, i) => `${letter}${String(i + 1).padStart(2, '0')}`);
}

function runs(file: string, mode: string): string {
  const rows = readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => rowSchema.parse(JSON.parse(line)))
    .sort((a, b) => (a.scenario < b.scenario ? -1 : 1));
  const sum = (name: 'acknowledged' | 'lost' | 'doubled') => rows.reduce((total, row) => total + row[name], 0);
  const lines = rows.map(({ scenario, acknowledged, lost, doubled, recoveryMs, unavailableMs }) => {
    const cells = [scenario.replaceAll('|', '\\|'), acknowledged, lost, doubled];
    return `| ${[...cells, seconds(recoveryMs), seconds(unavailableMs)].join(' | ')} |\n`;
  });
  const machine = `${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB`;
  const when = new Date().toISOString().slice(0, 10);
  const command = `npm run test:chaos${mode === 'full' ? ' -- --full' : ''}`;
  const totals = `${sum('acknowledged')} jobs acknowledged, ${sum('lost')} lost, ${sum('doubled')} doubled`;
  return `\`${command}\`, ${when}, ${machine}: ${totals}.

| scenario | acknowledged | lost | doubled | recovery | slowest UNAVAILABLE |
|---|--:|--:|--:|--:|--:|
${lines.join('')}`;
}

function seconds(ms: number | null): string {
  return ms === null ? '' : `${(ms / 1000).toFixed(1)} s`;
}
