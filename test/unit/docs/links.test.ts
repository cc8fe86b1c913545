import { execFile } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { renderPage } from '../../../src/http/docs/render-page.ts';
import { tempFolder } from '../../support/process.ts';

const root = join(import.meta.dirname, '../../..');
const pages = globSync(['*.md', 'docs/*.md', 'client/*.md', 'simulator/*.md'], { cwd: root }).sort();

/** The links of a page to files of the checkout, with their anchors, and the anchors that it has itself. */
function read(page: string) {
  const links: { file: string; anchor: string | undefined }[] = [];
  const { body } = renderPage(readFileSync(join(root, page), 'utf8'), (link) => {
    const [path = '', anchor] = link.split('#', 2);
    const file = path === '' ? page : posix.join(posix.dirname(page), path);
    if (!/^[a-z]+:/.test(link)) links.push({ file, anchor });
    return link;
  });
  return { links, anchors: new Set([...body.matchAll(/ id="([^"]*)"/g)].map(([, id = '']) => id)) };
}

const known = new Map(pages.map((page) => [page, read(page)]));

test.each(pages)('no link of %s is broken where it is read in the checkout', (page) => {
  const broken = known.get(page)?.links.filter(({ file, anchor }) => {
    if (!existsSync(join(root, file))) return true;
    return anchor !== undefined && !known.get(file)?.anchors.has(anchor);
  });
  expect(broken).toEqual([]);
});

test.each(['README.md', 'docs/README.md'])('every page of docs/ can be reached from %s', (first) => {
  const reached = new Set([first]);
  // Whoever is added while this runs is visited too.
  for (const page of reached) for (const { file } of known.get(page)?.links ?? []) reached.add(file);
  expect(pages.filter((page) => page.startsWith('docs/') && !reached.has(page))).toEqual([]);
});

test('each page is named by the first one, which leads everybody', () => {
  const named = new Set(known.get('docs/README.md')?.links.map(({ file }) => file));
  expect(pages.filter((page) => page.startsWith('docs/') && page !== 'docs/README.md' && !named.has(page))).toEqual([]);
});

test('the pages as files of a site lead to each other and to what lies beside them', async () => {
  const { path, remove } = await tempFolder();
  onTestFinished(remove);
  await promisify(execFile)(process.execPath, [join(root, 'scripts/docs-site.ts'), '--to', path]);
  const files = globSync('*.html', { cwd: path });
  expect(files).toEqual(expect.arrayContaining(['index.html', 'clients.html', 'CHANGELOG.html']));
  const broken = files.flatMap((file) =>
    [...readFileSync(join(path, file), 'utf8').matchAll(/(?:href|src)="(?!https?:|#)([^"#]*)/g)]
      .map(([, place = '']) => `${file}: ${place}`)
      .filter((link) => !existsSync(join(path, link.split(': ')[1] ?? ''))),
  );
  expect(broken).toEqual([]);
});
