import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { faultLine } from '../../../src/workflows/catalogue.ts';
import { type LoadedCatalogue, loadCatalogue } from '../../../src/workflows/load.ts';
import { graph, manifest, parameters, workflowsFolder } from './folder.ts';

const one = (name: string, changes: object = {}) => ({
  [`${name}/graph.json`]: graph,
  [`${name}/manifest.json`]: { ...manifest, ...changes },
});

async function open(files: { [path: string]: unknown }) {
  const dir = await workflowsFolder(files);
  const catalogue = await loadCatalogue({ dir, maxMegapixels: 4 });
  const write = async (path: string, content: unknown) => {
    await mkdir(join(dir, path, '..'), { recursive: true });
    await writeFile(join(dir, path), typeof content === 'string' ? content : JSON.stringify(content));
  };
  const add = async (written: { [path: string]: unknown }) => {
    for (const [path, content] of Object.entries(written)) await write(path, content);
  };
  return { dir, catalogue, write, add, remove: (path: string) => rm(join(dir, path), { recursive: true }) };
}

/** What a look tells, without what it has nothing of. */
async function look(catalogue: LoadedCatalogue): Promise<{ [what: string]: string[] }> {
  const { broken, ...news } = await catalogue.look();
  const told = { ...news, broken: broken.flatMap(({ faults }) => faults.map(faultLine)) };
  return Object.fromEntries(Object.entries(told).filter(([, items]) => items.length > 0));
}

async function looks(catalogue: LoadedCatalogue, times: number) {
  const all: { [what: string]: string[] }[] = [];
  for (let i = 0; i < times; i++) all.push(await look(catalogue));
  return all;
}

const names = ({ workflows }: LoadedCatalogue) => workflows.map(({ name }) => name);

/** The other choices of the enum type `Method`. */
const fewer = { parameters: { ...parameters, method: { ...parameters.method, choices: ['fast', 'slow'] } } };

test('a folder that has come is in the catalogue at the second look, and tells nothing after that', async () => {
  const { catalogue, add } = await open(one('b'));
  const before = catalogue.get('b');
  expect(await look(catalogue)).toEqual({});
  await add(one('a'));
  expect(await look(catalogue)).toEqual({});
  expect(names(catalogue)).toEqual(['b']);
  expect(await look(catalogue)).toEqual({ added: ['a'] });
  expect(names(catalogue)).toEqual(['a', 'b']);
  expect(catalogue.get('a')?.title).toBe('A workflow');
  expect(catalogue.get('b')).toBe(before);
  expect(await looks(catalogue, 3)).toEqual([{}, {}, {}]);
});

test('a changed and a removed folder are told, and one whose files say the same is not', async () => {
  const { catalogue, write, remove } = await open({ ...one('a'), ...one('b'), ...one('c') });
  await write('a/manifest.json', { ...manifest, title: 'Another' });
  await write('b/manifest.json', manifest);
  await remove('c');
  expect(await looks(catalogue, 2)).toEqual([{}, { changed: ['a'], removed: ['c'] }]);
  expect(catalogue.get('a')?.title).toBe('Another');
  expect(names(catalogue)).toEqual(['a', 'b']);
  expect(catalogue.get('c')).toBeUndefined();
});

test('what is being written is not taken before it has come to rest', async () => {
  const { catalogue, write } = await open(one('a'));
  // An editor that empties a file and then writes it, while it is looked at.
  await write('a/manifest.json', '');
  expect(await look(catalogue)).toEqual({});
  await write('a/manifest.json', JSON.stringify({ ...manifest, title: 'Half' }).slice(0, 20));
  expect(await look(catalogue)).toEqual({});
  await write('a/manifest.json', { ...manifest, title: 'Whole' });
  expect(await looks(catalogue, 3)).toEqual([{}, { changed: ['a'] }, {}]);
  expect(catalogue.get('a')?.title).toBe('Whole');
});

test('a fault that is gone by the next look is not told: the second file came after the first', async () => {
  const { catalogue, write } = await open({});
  await write('a/graph.json', graph);
  expect(await looks(catalogue, 2)).toEqual([{}, {}]);
  await write('a/manifest.json', manifest);
  expect(await looks(catalogue, 3)).toEqual([{}, { added: ['a'] }, {}]);
});

test('a broken folder is told once, stays as it was, and holds up no other', async () => {
  const { catalogue, write, add } = await open(one('a'));
  const before = catalogue.get('a');
  const fault = 'a/manifest.json: parameters.count.default: expected an integer from 1 to 4, got 9';
  const count = { ...parameters.count, default: 9 };
  await write('a/manifest.json', { ...manifest, parameters: { ...parameters, count } });
  await add(one('b'));
  expect(await looks(catalogue, 5)).toEqual([{}, { added: ['b'] }, { broken: [fault] }, {}, {}]);
  expect(catalogue.get('a')).toBe(before);

  await write('a/manifest.json', '{');
  const [, , { broken = [] } = {}, ...rest] = await looks(catalogue, 5);
  expect(broken).toEqual([expect.stringMatching(/^a\/manifest.json: is not JSON: /)]);
  expect(rest).toEqual([{}, {}]);

  await write('a/manifest.json', manifest);
  expect(await looks(catalogue, 2)).toEqual([{}, { mended: ['a'] }]);
  expect(catalogue.get('a')).toBe(before);
});

test('a broken folder that had never been whole is told once, and its removal too', async () => {
  const { catalogue, write, remove } = await open({});
  await write('a/manifest.json', manifest);
  const [, , told] = await looks(catalogue, 3);
  expect(told?.broken).toEqual([expect.stringMatching(/^a\/graph.json: cannot be read: ENOENT/)]);
  expect(catalogue.workflows).toEqual([]);
  await remove('a');
  expect(await looks(catalogue, 3)).toEqual([{}, { mended: ['a'] }, {}]);
});

test('a folder that would take the type of another is broken, whichever name is first', async () => {
  const { catalogue, add, remove } = await open(one('b'));
  await add({ ...one('a', fewer), ...one('B') });
  const faults = [
    'B: its input type would be BInput, as that of b',
    'a/manifest.json: parameters.method.enumType: Method has other choices at b.method; name it otherwise',
  ];
  expect(await looks(catalogue, 4)).toEqual([{}, {}, { broken: faults }, {}]);
  expect(names(catalogue)).toEqual(['b']);
  await remove('b');
  expect(await looks(catalogue, 2)).toEqual([{}, { added: ['B'], removed: ['b'], mended: ['B'] }]);
});

test('folders that share an enum type may change it at once, or one after the other', async () => {
  const { catalogue, add } = await open({ ...one('a'), ...one('b') });
  await add({ ...one('a', fewer), ...one('b', fewer) });
  expect(await looks(catalogue, 3)).toEqual([{}, { changed: ['a', 'b'] }, {}]);

  await add(one('a'));
  const told = 'a/manifest.json: parameters.method.enumType: Method has other choices at b.method; name it otherwise';
  expect(await looks(catalogue, 3)).toEqual([{}, {}, { broken: [told] }]);
  expect(catalogue.get('a')?.parameters.find(({ name }) => name === 'method')?.choices).toHaveLength(2);
  await add(one('b'));
  expect(await looks(catalogue, 2)).toEqual([{}, { changed: ['a', 'b'], mended: ['a'] }]);
  expect(catalogue.get('a')?.parameters.find(({ name }) => name === 'method')?.choices).toHaveLength(4);
});

test('while the folder of all cannot be read, everything stays, and that is told once', async () => {
  const { dir, catalogue } = await open(one('a'));
  await rename(dir, `${dir}-away`);
  const [first, second, third] = await looks(catalogue, 3);
  expect([first, third]).toEqual([{}, {}]);
  expect(second?.broken).toEqual([expect.stringMatching(/^cannot be read: ENOENT/)]);
  expect(names(catalogue)).toEqual(['a']);
  await rename(`${dir}-away`, dir);
  expect(await look(catalogue)).toEqual({ mended: [''] });
  expect(names(catalogue)).toEqual(['a']);
});

test('a link that is led elsewhere, as in a mounted ConfigMap, is a change', async () => {
  const { dir, catalogue, add } = await open({ ...one('..old/a'), ...one('..new/a', { title: 'Led elsewhere' }) });
  await symlink('..old', join(dir, '..data'));
  await symlink('..data/a', join(dir, 'a'));
  expect(await looks(catalogue, 2)).toEqual([{}, { added: ['a'] }]);
  await symlink('..new', join(dir, '..data_tmp'));
  await rename(join(dir, '..data_tmp'), join(dir, '..data'));
  expect(await looks(catalogue, 2)).toEqual([{}, { changed: ['a'] }]);
  expect(catalogue.get('a')?.title).toBe('Led elsewhere');
  await add({ 'manifest.schema.json': {}, '.hidden/graph.json': {} });
  expect(await looks(catalogue, 3)).toEqual([{}, {}, {}]);
});

test('a file that is too long or no file is a fault like any other', async () => {
  const { catalogue, dir, write } = await open(one('a'));
  await write('a/graph.json', ' '.repeat(8 * 1024 * 1024 + 1));
  await mkdir(join(dir, 'b', 'manifest.json'), { recursive: true });
  await write('b/graph.json', graph);
  const [, , told] = await looks(catalogue, 3);
  expect(told?.broken).toEqual([
    'a/graph.json: has 8388609 bytes; at most 8388608 are read',
    'b/manifest.json: cannot be read: it is no file',
  ]);
  expect(names(catalogue)).toEqual(['a']);
});
