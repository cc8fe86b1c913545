import { accessSync, constants } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** A program that set-up brings: <NAME>_BIN, the PATH, or the cache that set-up fills. Null when this machine has none. */
export function findProgram(name: string, env: NodeJS.ProcessEnv = process.env): string | null {
  const given = env[`${name.toUpperCase().replaceAll('-', '_')}_BIN`];
  if (given) return given;
  const cache = env.COMFYGATE_CACHE ?? join(homedir(), '.cache', 'comfygate');
  const folders = [...(env.PATH ?? '').split(delimiter).filter(Boolean), join(cache, 'bin')];
  return folders.map((folder) => join(folder, name)).find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
