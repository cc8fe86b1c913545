import { readdir, readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { settingsSchema } from '../../src/config/settings.ts';
import { jobErrorCodes } from '../../src/core/job.ts';

const root = new URL('../../', import.meta.url);
const read = (path: string) => readFile(new URL(path, root), 'utf8');
const guide = await read('docs/operations.md');

/** As GitHub makes them of headings. */
const anchorsOf = (text: string) =>
  [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  );

it('leads only to what is there', async () => {
  for (const [, path = '', anchor] of guide.matchAll(/\]\(([^)#]*)(?:#([^)]+))?\)/g)) {
    const text = path === '' ? guide : await read(path.startsWith('../') ? path.slice(3) : `docs/${path}`);
    if (anchor) expect(anchorsOf(text)).toContain(anchor);
  }
});

it('names metrics, settings and error codes that there are', async () => {
  const sources = await Promise.all(
    ['src', 'worker'].map(async (folder) => {
      const files = await readdir(new URL(folder, root), { recursive: true });
      return Promise.all(files.filter((name) => name.endsWith('.ts')).map((name) => read(`${folder}/${name}`)));
    }),
  );
  const code = sources.flat().join('\n');
  const metrics = [...guide.matchAll(/comfygate_[a-z_]+[a-z]/g)].map(([name]) => name.replace(/_count$/, ''));
  expect(metrics.length).toBeGreaterThan(5);
  for (const name of metrics) expect(code).toContain(name);

  const settings = Object.keys(settingsSchema('machine').shape);
  const others = [
    'TMPDIR',
    'QUEUED',
    'RUNNING',
    'SUCCEEDED',
    'FAILED',
    'FLUSHALL',
    'DRAINING',
    'UNAVAILABLE',
    'NOT_FOUND',
    'LIMIT_EXCEEDED',
    'RATE_LIMITED',
  ];
  const known = new Set<string>([...settings, ...jobErrorCodes, ...others]);
  const named = [...guide.matchAll(/\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b/g)].map(([name]) => name);
  expect(named.filter((name) => !known.has(name))).toEqual([]);
});
