import { posix } from 'node:path';
import { type FileStore, type FolderType, isFolderType, type StoredFile } from '../files.ts';

/** A file as loader nodes and `/view` name it. */
export interface NamedFile {
  folder: FolderType;
  path: string;
  file: StoredFile | undefined;
}

/** Splits ` [output]`, ` [input]` or ` [temp]` off a name; undefined if it has none. */
export function splitAnnotation(name: string): { name: string; folder: FolderType | undefined } {
  const found = / \[(\w+)\]$/.exec(name);
  const folder = found?.[1] ?? '';
  return isFolderType(folder) ? { name: name.slice(0, found?.index), folder } : { name, folder: undefined };
}

/** The file that a loader's value names: in the input folder, unless the name says another. */
export function inputFile(files: FileStore, value: string): NamedFile {
  const { name, folder = 'input' } = splitAnnotation(value);
  const path = posix.normalize(name);
  return { folder, path, file: files.read(folder, path) };
}
