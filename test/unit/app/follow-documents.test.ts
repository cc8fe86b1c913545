import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { followDocuments } from '../../../src/app/follow-documents.ts';
import { testLog } from '../../support/graph-services.ts';

async function scratch() {
  const folder = await mkdtemp(join(tmpdir(), 'comfygate-documents-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const { log, lines } = testLog();
  const shutdown = { add: (_name: string, stop: () => unknown) => onTestFinished(async () => void (await stop())) };
  const write = async (name: string, content: unknown) => {
    // In one step, as a deployment does.
    const text = typeof content === 'string' ? content : JSON.stringify(content);
    await writeFile(join(folder, `${name}.new`), text);
    await rename(join(folder, `${name}.new`), join(folder, name));
  };
  const follow = (path: string) => followDocuments(path, { log, shutdown });
  return { folder, lines, write, follow };
}

test('a changed file of documents is read anew, and one that is broken leaves what was before', async () => {
  const { folder, lines, write, follow } = await scratch();
  await write('web.json', { a: '{ a }' });
  const listed = await follow(join(folder, 'web.json'));
  expect([listed.get('a'), listed.hasText('{ a }')]).toEqual(['{ a }', true]);
  await write('web.json', { b: '{ b }' });
  await vi.waitFor(() => expect(listed.get('b')).toBe('{ b }'), 20_000);
  expect([listed.get('a'), listed.hasText('{ a }')]).toEqual([undefined, false]);
  await write('web.json', '{');
  const told = () => lines.filter(({ msg }) => String(msg).includes('cannot be used'));
  await vi.waitFor(() => expect(told()).toHaveLength(1), 20_000);
  expect(told()[0]).toMatchObject({ error: expect.stringContaining('web.json: expected JSON'), kept: true });
  expect(listed.get('b')).toBe('{ b }');
  await write('web.json', { c: '{ c }' });
  await vi.waitFor(() => expect(listed.get('c')).toBe('{ c }'), 20_000);
});

test('a folder has a file for each front end; files come and go', async () => {
  const { folder, write, follow } = await scratch();
  await write('web.json', { a: '{ a }' });
  await write('notes.txt', 'not a list');
  const listed = await follow(folder);
  expect(listed.get('a')).toBe('{ a }');
  await write('phone.json', { b: '{ b }' });
  await vi.waitFor(() => expect(listed.get('b')).toBe('{ b }'), 20_000);
  expect(listed.get('a')).toBe('{ a }');
  await rm(join(folder, 'web.json'));
  await vi.waitFor(() => expect(listed.get('a')).toBeUndefined(), 20_000);
});

test('a gateway does not start without the documents that it is told of', async () => {
  const { folder, write, follow } = await scratch();
  await expect(follow(join(folder, 'none.json'))).rejects.toThrow(/^PERSISTED_DOCUMENTS: ENOENT/);
  await mkdir(join(folder, 'lists'));
  await write('lists/web.json', { ['0'.repeat(64)]: '{ a }' });
  await expect(follow(join(folder, 'lists'))).rejects.toThrow(/^PERSISTED_DOCUMENTS: .*is not the SHA-256/);
});
