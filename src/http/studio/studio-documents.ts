import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno } from '../../files/errno.ts';
import { type ListedDocuments, readListedDocuments } from '../../graphql/engine/listed-documents.ts';
import { STUDIO_FOLDER } from './studio-files.ts';

/** What the studio sends and shows as code, by the list that its build has made; nothing where it was not built. */
export async function readStudioDocuments(folder = STUDIO_FOLDER): Promise<ListedDocuments> {
  const name = join(folder, 'documents.json');
  try {
    return readListedDocuments([{ name, text: await readFile(name, 'utf8') }]);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return readListedDocuments([]);
    throw error;
  }
}
