import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { MAY_IMPORT } from '../../scripts/import-rules.ts';

const root = join(import.meta.dirname, '../..');
const pages = [...globSync('*.md', { cwd: root }), ...globSync('docs/*.md', { cwd: root })];
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const packageSchema = z.object({ scripts: z.record(z.string(), z.string()) });
const contributing = read('CONTRIBUTING.md');

/** Paths from the root of the checkout, in prose and in code blocks. */
const PATH = /(?<![\w./-])(?:src|worker|test|scripts|bench|deploy|docs|examples|workflows)\/[\w./-]*[\w/]/g;

/** Files that a reader makes by following a guide, and names of Deployments as kubectl takes them. */
const OF_AN_APP = /^src\/(?:main\.tsx?|App\.tsx|login\.ts|comfy\.d\.ts|__generated__|schema\.graphql|generated\/)/;
const NOT_OURS = /^(?:workflows\/(?:portrait|canvas)|deploy\/kubernetes\/overlays\/production|deploy\/comfygate-\w+)/;

it.each(pages)('%s names only files and folders that exist', (page) => {
  const named = [...new Set(read(page).match(PATH) ?? [])];
  expect(
    named.filter((path) => ![OF_AN_APP, NOT_OURS].some((those) => those.test(path)) && !existsSync(join(root, path))),
  ).toEqual([]);
});

it('lists in CONTRIBUTING.md every folder that has import rules, and every folder with sources beside them', () => {
  const files = globSync('{worker,test}/*/**/*.{ts,lua}', { cwd: root });
  const rooms = [...new Set(files.map((path) => path.split('/').slice(0, 2).join('/')))];
  const drivers = Object.keys(MAY_IMPORT).filter((folder) => !folder.endsWith('.ts') && folder.split('/').length <= 2);
  const folders = [...drivers, ...rooms, 'bench', 'deploy', 'docs', 'examples', 'scripts', 'workflows'];
  expect(folders.filter((folder) => !contributing.includes(`\`${folder}`))).toEqual([]);
});

it('names in CONTRIBUTING.md only npm scripts that exist', () => {
  const { scripts } = packageSchema.parse(JSON.parse(read('package.json')));
  const named = [...contributing.matchAll(/npm (?:run )?([a-z][\w:]*)/g)].map(([, name = '']) => name);
  expect(named.filter((name) => name !== 'scripts' && !(name in scripts))).toEqual([]);
});
