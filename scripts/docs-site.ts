// npm run docs: writes the documentation to site/ as files for any web server, or to be read from the disk.
//   --to FOLDER   writes it there
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { DOCS_PATH, fileAt, pageOf } from '../src/http/docs/docs-pages.ts';

const root = join(import.meta.dirname, '..');
const { values } = parseArgs({ options: { to: { type: 'string', default: join(root, 'site') } } });

rmSync(values.to, { recursive: true, force: true });
mkdirSync(values.to, { recursive: true });
// Pages and what lies beside docs/ are written side by side, so an address is the same from each of them.
for (const file of [...globSync('docs/*.md', { cwd: root }), 'CHANGELOG.md']) {
  writeFileSync(join(values.to, htmlOf(file)), await pageOf(readFileSync(join(root, file), 'utf8'), file, placeOf));
}
for (const file of [
  ...globSync('{docs/*.png,examples/**/*.{ts,graphql}}', { cwd: root }),
  'schema.graphql',
  '.env.example',
])
  cpSync(join(root, file), join(values.to, file.replace(/^docs\//, '')), { recursive: true });

/** Where what the gateway serves at an address is, from any page. */
function placeOf(address: string): string {
  const [path = DOCS_PATH, anchor] = address.split('#', 2);
  const file = fileAt(path) ?? '';
  const place = file.endsWith('.md') ? htmlOf(file) : file.replace(/^docs\//, '');
  return anchor === undefined ? place : `${place}#${anchor}`;
}

function htmlOf(file: string): string {
  return file === 'docs/README.md' ? 'index.html' : `${basename(file, '.md')}.html`;
}
