import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError } from '../config/config.ts';
import { type ListedDocuments, readListedDocuments } from '../graphql/engine/listed-documents.ts';
import { type FollowedBy, followFiles } from './follow-files.ts';

/**
 * The documents that a file lists, or every `.json` in a folder, one for each front end; changes of them are taken
 * until shutdown.
 * @throws {ConfigError} where they cannot be used now
 */
export async function followDocuments(path: string, by: FollowedBy): Promise<ListedDocuments> {
  let current: ListedDocuments | undefined;
  const what = 'persisted documents';

  async function list(): Promise<string[]> {
    if (!(await stat(path)).isDirectory()) return [path];
    const names = await readdir(path);
    return names
      .filter((name) => name.endsWith('.json'))
      .sort()
      .map((name) => join(path, name));
  }
  async function take(files: readonly string[]): Promise<void> {
    const texts = files.map(async (name) => ({ name, text: await readFile(name, 'utf8') }));
    current = readListedDocuments(await Promise.all(texts));
  }
  try {
    await followFiles({ what, list, take }, by);
  } catch (error) {
    throw new ConfigError([`PERSISTED_DOCUMENTS: ${error instanceof Error ? error.message : String(error)}`]);
  }
  return {
    get: (id) => current?.get(id),
    hasText: (text) => current?.hasText(text) ?? false,
  };
}
