import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { CatalogueFault } from './catalogue.ts';

const WORKFLOW_FILES = ['manifest.json', 'graph.json'] as const;

/** The most folders of an installation: ComfyUI ships half as many templates. All are looked at twice a second. */
export const MAX_WORKFLOWS = 1_000;
/** Of each file. A graph of the million characters that are allowed takes four times that before it is indented. */
const MAX_FILE_BYTES = 8 * 1024 * 1024;

/** The text of a file, or why there is none. */
export type FileText = { text: string } | { reason: string };

export type WorkflowFiles = { [file in (typeof WORKFLOW_FILES)[number]]: FileText };

/**
 * The workflows' folders by name, sorted, each with a signature that changes when one of its files does. Plain files,
 * and names that begin with a dot, are left out. A fault when there is no telling which folders there are.
 */
export async function lookAtFolders(dir: string): Promise<Map<string, string> | CatalogueFault> {
  const whole = (reason: string): CatalogueFault => ({ file: '', field: '', reason });
  let names: string[];
  try {
    names = (await readdir(dir)).filter((name) => !name.startsWith('.')).sort();
  } catch (error) {
    return whole(`cannot be read: ${messageOf(error)}`);
  }
  const folders = new Map<string, string>();
  // One after the other: where the disk hangs, that takes one of Node's four threads for files and not all of them.
  for (const name of names) {
    const signature = await signatureOf(dir, name);
    if (signature !== null) folders.set(name, signature);
    if (folders.size > MAX_WORKFLOWS) return whole(`expected at most ${MAX_WORKFLOWS} folders`);
  }
  return folders;
}

/**
 * Null where it is no folder. Times and sizes of what the names lead to: a mounted ConfigMap is links, of which one is
 * led elsewhere when it changes, and nobody is told of changes on a network's disk.
 */
export async function signatureOf(dir: string, name: string): Promise<string | null> {
  const parts: string[] = [];
  for (const file of WORKFLOW_FILES) {
    try {
      const { ino, size, mtimeNs } = await stat(join(dir, name, file), { bigint: true });
      parts.push(`${ino} ${size} ${mtimeNs}`);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
      if (code === 'ENOTDIR') return null;
      parts.push(code);
    }
  }
  return parts.join();
}

/** Reads the files of one workflow. Never rejects. */
export async function readWorkflowFiles(dir: string, name: string): Promise<WorkflowFiles> {
  const [manifest, graph] = WORKFLOW_FILES;
  // One after the other, see above.
  return { [manifest]: await readText(join(dir, name, manifest)), [graph]: await readText(join(dir, name, graph)) };
}

async function readText(path: string): Promise<FileText> {
  try {
    const found = await stat(path);
    // Of a pipe there might never be an end.
    if (!found.isFile()) return { reason: 'cannot be read: it is no file' };
    if (found.size > MAX_FILE_BYTES) return { reason: `has ${found.size} bytes; at most ${MAX_FILE_BYTES} are read` };
    return { text: await readFile(path, 'utf8') };
  } catch (error) {
    return { reason: `cannot be read: ${messageOf(error)}` };
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
